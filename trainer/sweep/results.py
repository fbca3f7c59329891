"""results.csv and results.json of a sweep: one row a run, rewritten whole as runs end."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainer.report.files import SUMMARY, plain, write_json, write_whole
from trainer.report.reading import read_summary
from trainer.sweep.cells import Cell

CSV, JSON = "results.csv", "results.json"
INTERVAL = 2.0  # seconds between two writings while runs end

FIRST = (
    "seed", "dataset", "epochs", "steps", "train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "best_epoch",
    "best/valid/accuracy", "stopped_epoch", "test/loss", "test/accuracy", "steps_to_target", "samples_to_target",
    "seconds_to_target", "lr", "clipped_fraction", "grad_norm", "parameters", "train_seconds", "wall_seconds",
    "samples_per_second", "stack", "device", "threads", "error",
)  # fmt: skip
"""The columns that every table has, in this order; the metrics of the layers follow by name."""


class Results:
    """The table of a sweep. Cells that were never begun have no row."""

    def __init__(self, directory: Path, cells: Sequence[Cell]):
        self.directory, self.cells = directory, list(cells)
        self.summaries: dict[int, dict[str, Any]] = {}
        self.written = 0.0
        self.refused: OSError | None = None

    def take(self, cell: int, summary: dict[str, Any]) -> None:
        """Take in how a cell ended; written soon."""
        self.summaries[cell] = summary

    def take_others(self, first: int) -> None:
        """Take in how the cells from number `first` on stand: those of earlier commands in the same directory."""
        for i in range(first, len(self.cells)):
            with suppress(OSError, ValueError):
                self.summaries[i] = read_summary(self.directory / self.cells[i].name / SUMMARY)

    def write_soon(self) -> None:
        """Write, unless that was done a moment ago."""
        if time.monotonic() - self.written > INTERVAL:
            self.write()

    def write(self) -> None:
        """Replace both files. Where the disk refuses the old ones are whole, `refused` says why, and the runs go on."""
        rows, self.refused = table(self.cells, self.summaries), None
        try:
            write_whole(self.directory / CSV, as_csv(rows))
            write_json(self.directory / JSON, rows)
        except OSError as error:
            self.refused = error
        self.written = time.monotonic()

    def refusal(self) -> str:
        """The sentence for what the disk refused."""
        reason = self.refused and (self.refused.strerror or self.refused)
        return f"{self.directory / CSV} can't be written: {reason}."


def table(cells: Sequence[Cell], summaries: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each cell with a summary, in the order of the cells, all with the same columns."""
    overrides = varying(cells)
    scalars = {i: {k: v for k, v in s.items() if not isinstance(v, dict | list)} for i, s in summaries.items()}
    others = sorted({key for summary in scalars.values() for key in summary} - {"status", *FIRST})
    rows = []
    for i in sorted(scalars):
        own = {key: value for key, value in overrides[i].items() if key not in FIRST}
        rest = {key: scalars[i].get(key) for key in (*FIRST, *others) if key not in own}
        rows.append({"directory": cells[i].name, "status": scalars[i]["status"], **own, **rest})
    return rows


def varying(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """For each cell the values of the overrides that are not the same in all of them; None where a cell has no such word."""
    words = [dict(word.lstrip("+~").partition("=")[::2] for word in cell.overrides) for cell in cells]
    keys = dict.fromkeys(key for each in words for key in each)
    differing = [key for key in keys if len({each.get(key) for each in words}) > 1]
    return [{key: _value(each.get(key)) for key in differing} for each in words]


def _value(text: str | None) -> Any:
    """A number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    return text


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as CSV in UTF-8: numbers in full, nothing where there is no number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["directory", "status"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain(list(rows)))
    return text.getvalue().encode()
