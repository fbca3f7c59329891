"""What the runs of a table have in common and what not: versions, machines, data, dates; and each run in a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from trainer.compare.comparison import Table
from trainer.compare.runs import Run
from trainer.compare.typed import words_of
from trainer.report.history import number

MOST = 1000  # runs in the list
HEAD = ("run", "configuration", "seed", "status", "epochs", "valid/accuracy", "test/accuracy", "seconds")
SIDES = ("left", "left", "right", "left", "right", "right", "right", "right")


def runs_of(table: Table) -> list[Run]:
    """All runs of a table, those that were tried and not chosen too, each once."""
    every = (run for row in table.rows for run in (*row.tried, *row.everything, *row.unfinished))
    return list({run.directory: run for run in every}.values())


def conditions(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Name and values of what decides the numbers beside the configuration; where runs differ, all that there are."""
    for package in ("train", "torch", "numpy", "python"):
        yield package, _several(_mapping(run, "versions").get(package) for run in runs)
    for name, key in (("data", "dataset"), ("digest of the data", "dataset_digest"), ("parameters", "parameters")):
        yield name, _several(run.summary.get(key) for run in runs)
    for name in ("device", "processor"):
        yield name, _several(run.summary.get(name) for run in runs)
    yield "trained", _dates(runs)


def _several(values: Iterator[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value not in (None, ""))) or "unknown"


def _dates(runs: Sequence[Run]) -> str:
    moments = [number(_mapping(run, "clock").get(end)) for run in runs for end in ("began", "ended")]
    known = sorted(moment for moment in moments if moment is not None and 0 < moment < 1e11)
    if not known:
        return "unknown"
    days = list(dict.fromkeys(f"{datetime.fromtimestamp(moment):%Y-%m-%d}" for moment in (known[0], known[-1])))
    return " to ".join(days)


def _mapping(run: Run, key: str) -> Mapping[str, Any]:
    value = run.summary.get(key)
    return value if isinstance(value, Mapping) else {}


def lines(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    """Each run under HEAD, at most MOST of them."""
    for run in runs[:MOST]:
        yield (
            str(run.directory), " ".join(words_of(run)), str(run.seed), run.status, _shown(run, "epochs"),
            *(_percent(run, metric) for metric in ("valid/accuracy", "test/accuracy")), _shown(run, "train_seconds", ".2f"),
        )  # fmt: skip


def _shown(run: Run, key: str, form: str = "g") -> str:
    value = run.metric(key)
    return "-" if value is None else format(value, form)


def _percent(run: Run, metric: str) -> str:
    value = run.metric(metric)
    return "-" if value is None else f"{100 * value:.2f} %"
