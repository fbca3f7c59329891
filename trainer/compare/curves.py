"""Lines with bands, ready to be drawn: a metric over the epochs, or over a number that was tried."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

from trainer.compare.groups import group_runs
from trainer.compare.pairing import by_seed
from trainer.compare.rows import Row
from trainer.compare.runs import Run
from trainer.compare.statistics import estimate
from trainer.records import Status
from trainer.report.reading import read_records


class Point(NamedTuple):
    """A mean over seeds with its 95 % interval, which is the mean itself for one seed."""

    x: float
    mean: float
    low: float
    high: float


def learning_curve(row: Row, metric: str) -> list[Point]:
    """The metric over the epochs, from the `metrics.jsonl` of the row's finished runs; empty where it has none.

    A run that stopped early keeps its last value while others go on: a mean over those alone would be one over the better."""
    values: dict[float, dict[Hashable, list[float]]] = {}
    histories = [(run, _history(run, metric)) for run in row.runs]
    epochs = {epoch for _, history in histories for epoch in history}
    for run, history in histories:
        for epoch, value in (history | _kept(run, history, epochs)).items():
            values.setdefault(epoch, {}).setdefault(run.seed, []).append(value)
    means = {x: {seed: sum(some) / len(some) for seed, some in seeds.items()} for x, seeds in values.items()}
    return _points(means)


def sensitivity(row: Row, key: str, metric: str) -> list[Point]:
    """The metric over the values of `key` that the row tried; empty where these are no numbers."""
    finished = [run for run in row.tried if run.status == Status.COMPLETED]
    settings = {number(runs[0], key): by_seed(runs, metric) for runs in group_runs(finished, (key,))}
    return _points({x: values for x, values in settings.items() if x is not None})


def diverged_at(row: Row, key: str) -> list[float]:
    """The values of `key` at which at least one of the row's runs diverged."""
    found = {number(run, key) for run in row.tried if run.status == Status.DIVERGED}
    return sorted(x for x in found if x is not None)


def number(run: Run, key: str) -> float | None:
    return as_number(run.settings.get(key))


def as_number(value: Hashable) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _points(samples: Mapping[float, Mapping[Hashable, float]]) -> list[Point]:
    points = []
    for x, values in sorted(samples.items()):
        sample = estimate(list(values.values()))
        if sample.mean is not None:
            low = sample.mean if sample.low is None else sample.low
            high = sample.mean if sample.high is None else sample.high
            points.append(Point(x, sample.mean, low, high))
    return points


def _kept(run: Run, history: Mapping[float, float], epochs: Iterable[float]) -> dict[float, float]:
    """The last value of a run that stopped early, at the later ones of `epochs`."""
    if run.metric("stopped_epoch") is None or not history:
        return {}
    last = max(history)
    return {epoch: history[last] for epoch in epochs if epoch > last}


def _history(run: Run, metric: str) -> dict[float, float]:
    """The last finite value of each epoch. A last line cut off by a kill is no reason to lose the others."""
    history: dict[float, float] = {}
    try:
        for record in read_records(run.directory / "metrics.jsonl", ("epoch",)):
            if (value := record.get(metric)) is not None and math.isfinite(value):
                history[float(record["epoch"])] = float(value)
    except (OSError, ValueError):
        pass
    return history
