"""The list as data: one row a run, whatever the table shows, with stable columns and full values."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from trainer.compare.finding import Found
from trainer.compare.runs import Run
from trainer.identity import changes, show
from trainer.listing.entries import ended, sweep_of
from trainer.report.files import plain

KEPT = (
    "epochs", "steps", "train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "best_epoch", "best/valid/accuracy",
    "test/loss", "test/accuracy", "steps_to_target", "clipped_fraction", "train_seconds", "wall_seconds", "samples_per_second",
    "stack", "device", "error",
)  # fmt: skip


def row(run: Run, found: Found) -> dict[str, Any]:
    """A run's columns; `changes` are the settings that are not at their defaults, as one would type them."""
    sweep = sweep_of(run, found)
    typed = [f"{key}={show(value)}" for key, value in changes(run.config).items() if key not in ("dataset", "seed")]
    first = {
        "directory": str(run.directory),
        "sweep": None if sweep is None else str(sweep),
        "status": run.status,
        "ended": datetime.fromtimestamp(ended(run), UTC).isoformat(timespec="seconds"),
        "dataset": run.dataset,
        "seed": run.seed,
        "changes": typed,
    }
    return first | {key: plain(run.summary.get(key)) for key in KEPT}


def write_json(rows: Sequence[dict[str, Any]], file: TextIO) -> None:
    json.dump(rows, file, indent=2, allow_nan=False)
    file.write("\n")


def write_csv(rows: Sequence[dict[str, Any]], file: TextIO) -> None:
    """The same; `changes` in one cell, with blanks between them."""
    columns = list(rows[0]) if rows else ["directory"]
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "changes": " ".join(row["changes"])} for row in rows)
