"""A run in plain lines: what is trained, and a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from trainer.records import Record, Status

if TYPE_CHECKING:
    from trainer.report.run_info import RunInfo

SHOWN = (
    "train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "test/loss", "test/accuracy",
    "lr", "grad_norm", "clipped_fraction",
)  # fmt: skip
"""The metrics of a plain line; those of the layers are in metrics.jsonl."""


def opening(info: RunInfo) -> Text:
    """One line, known once the data are there: the data set really used, the sizes that follow from it, the device."""
    parts = (
        f"{info.dataset}: {info.train_samples:,} train, {info.valid_samples:,} valid, {info.test_samples:,} test",
        f"{info.parameters:,} parameters",
        f"{info.updates:,} updates",
        f"{info.device}, threads {info.threads}",
    )
    line = Text("; ").join([Text(parts[0], "bold cyan"), *map(Text, parts[1:])])
    going_on = f"going on at update {info.started_at_step:,}: " if info.started_at_step else ""
    return Text.assemble((going_on, "bold"), line)


def plain_line(record: Record, info: RunInfo) -> str:
    """A record in one line, six digits a value, names as in every other output."""
    counts = f"epoch {record.epoch}/{info.experiment.epochs}  update {record.step}/{info.updates}"
    metrics = [f"{name} {record.metrics[name]:.6g}" for name in SHOWN if name in record.metrics]
    status = [] if record.status == Status.RUNNING else [record.status]
    return "  ".join([counts, f"seconds {record.seconds:.3f}", *metrics, *status])
