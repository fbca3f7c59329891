"""A cell whose worker can't say itself that it failed: the parent writes it down."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError
from trainer.identity import FORMAT
from trainer.records import Status
from trainer.report.files import CONFIG, SUMMARY, open_log, write_json, write_yaml
from trainer.report.reading import read_summary
from trainer.run.lease import alone
from trainer.run.process import process
from trainer.sweep.cells import Cell


def reason(code: int | None) -> str:
    """How a worker ended, in words; None where nobody is left who could tell."""
    if code is None:
        return "the worker process that trained it is gone, and so is the one that started it"
    if code < 0:
        name = signal.Signals(-code).name
        cause = " (out of memory?)" if name == "SIGKILL" else ""
        return f"the worker process that trained it was killed by {name}{cause}"
    return f"the worker process that trained it ended by itself with exit code {code}"


def fail(cell: Cell, directory: Path, error: str, log: str) -> dict[str, Any]:
    """Give the cell's directory the status `failed` with its reason, and the log its details; returns the summary.

    What the disk refuses is left out: it may be the very reason. So is all where another process trains the cell.
    """
    try:
        summary = read_summary(directory / SUMMARY)
    except (OSError, ValueError):
        summary = _nothing_done(cell)
    summary |= {"status": Status.FAILED, "error": error, "process": process()}
    try:
        directory.mkdir(exist_ok=True)
        with alone(directory):
            if not (directory / CONFIG).exists():
                write_yaml(directory / CONFIG, {"format": FORMAT, **cell.experiment.to_dict()})
            with open_log(directory) as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} failed: {error}\n{log}")
            write_json(directory / SUMMARY, summary)
    except (OSError, ConfigError) as refused:
        summary["error"] = f"{error} (and that can't be written down: {refused})"
    return summary


def _nothing_done(cell: Cell) -> dict[str, Any]:
    e = cell.experiment
    done = {"format": FORMAT, "dataset": e.dataset.name, "seed": e.seed, "epochs": 0, "steps": 0}
    return {"status": Status.FAILED, **done, "overrides": list(cell.overrides)}
