"""A run in plain lines: what is planned, what is trained, and a record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from trainer.experiment import GROUPS, Experiment
from trainer.records import Record, Status

if TYPE_CHECKING:
    from trainer.report.run_info import RunInfo

SHOWN = (
    "train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "test/loss", "test/accuracy",
    "lr", "grad_norm", "clipped_fraction",
)  # fmt: skip
"""The metrics of a plain line; those of the layers are in metrics.jsonl."""


def plan(e: Experiment, directory: Path) -> str:
    """One line, known before torch is loaded: techniques, data set, network, amount of work, place."""
    hidden = "-".join(str(units) for units in e.model.hidden) or "none"
    batch = "full" if e.batch_size == "full" else f"{e.batch_size:,}"
    epochs = f"{e.epochs:,} {'epoch' if e.epochs == 1 else 'epochs'}"
    return (
        f"{techniques(e)} on {e.dataset.name}; {e.model.name}, hidden {hidden}, {e.model.activation}; "
        f"{epochs}, batch {batch}, seed {e.seed}; in {directory}"
    )


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


def techniques(experiment: Experiment) -> str:
    """The techniques in use as one types them: `optimizer=momentum clip=grad`."""
    words = {group: getattr(experiment, group).name for group in GROUPS if group not in ("dataset", "model")}
    return " ".join(f"{group}={word}" for group, word in words.items() if word != "none")


def plain_line(record: Record, info: RunInfo) -> str:
    """A record in one line, six digits a value, names as in every other output."""
    counts = f"epoch {record.epoch}/{info.experiment.epochs}  update {record.step}/{info.updates}"
    metrics = [f"{name} {record.metrics[name]:.6g}" for name in SHOWN if name in record.metrics]
    status = [] if record.status == Status.RUNNING else [record.status]
    return "  ".join([counts, f"seconds {record.seconds:.3f}", *metrics, *status])
