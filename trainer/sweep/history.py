"""How a sweep grew: sweep.json keeps it, for a p-value means less where runs were added after a look at the results."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from trainer.experiment import Experiment
from trainer.records import FINISHED, Status
from trainer.report.files import SUMMARY
from trainer.report.reading import read_summary

COUNTS = ("cells", "seeds", "epochs")


def grown(directory: Path, before: list[dict[str, Any]], experiments: Iterable[Experiment]) -> list[dict[str, Any]]:
    """The entries of sweep.json, one for each time that the sweep was started with more than before.

    One that nobody could have learned anything from, since no run had ended, is replaced by the next."""
    now = size(experiments) | {"date": f"{datetime.now():%Y-%m-%dT%H:%M:%S}"}
    if before and all(now[name] <= before[-1].get(name, 0) for name in COUNTS):
        return before
    return [*before, now] if any(map(_has_result, directory.glob(f"*/{SUMMARY}"))) else [*before[:-1], now]


def is_entry(entry: Any) -> bool:
    """Whether what sweep.json holds is an entry: its counts are numbers."""
    return isinstance(entry, dict) and all(isinstance(entry.get(name, 0), int | float) for name in COUNTS)


def size(experiments: Iterable[Experiment]) -> dict[str, Any]:
    """The cells, the different seeds, and the epochs of the longest."""
    every = list(experiments)
    seeds = len({experiment.seed for experiment in every})
    return {"cells": len(every), "seeds": seeds, "epochs": max((e.epochs for e in every), default=0)}


def _has_result(summary: Path) -> bool:
    try:
        return read_summary(summary)["status"] in (*FINISHED, Status.PRUNED)
    except (OSError, ValueError):
        return False
