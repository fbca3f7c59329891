"""Seconds: runs that were trained as one stack share one clock, so n counts clocks, not runs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from trainer.compare.runs import Run
from trainer.compare.statistics import Difference, Estimate, estimate, paired_difference

CLOCKED = ("train_seconds", "wall_seconds", "seconds_to_target", "samples_per_second")
"""The metrics that a clock measured."""

FEWEST = 5
"""Clocks that a p-value needs: what slows a machine down is nothing like normally distributed."""


def is_clocked(metric: str) -> bool:
    return metric in CLOCKED


def clock_of(run: Run) -> str:
    """What tells a run's clock from others: its id, or, in summaries from before there was one, the process and its seconds."""
    clock = _clock(run)
    if "id" in clock:
        return str(clock["id"])
    if run.summary.get("stack", 1) == 1:
        return str(run.directory)
    process = sorted(_mapping(run, "process").items())
    return f"{process} {run.summary['stack']} {run.metric('train_seconds')}"


def clock_estimate(runs: Iterable[Run], metric: str) -> Estimate:
    """The mean over clocks, each the mean over its runs, which differ by when they reached their target at most.

    Below five clocks there is no interval."""
    values = _means((clock_of(run), value) for run in runs if (value := run.metric(metric)) is not None)
    found = estimate(list(values.values()))
    return found if found.n >= FEWEST else replace(found, low=None, high=None)


def clock_difference(ours: Sequence[Run], base: Sequence[Run], metric: str) -> Difference:
    """The difference of two rows of runs matched by seed, n being the number of independent comparisons of clocks.

    Comparisons that share a clock on either side are one; a seed of which both runs were in one stack compares nothing.
    Below five comparisons there are no p-value and no interval."""
    theirs = {run.seed: run for run in base}
    pairs = [(run, theirs[run.seed]) for run in ours if run.seed in theirs]
    pairs = [pair for pair in pairs if clock_of(pair[0]) != clock_of(pair[1])]
    groups = _linked([(clock_of(run), clock_of(other)) for run, other in pairs])
    mine = _means((place, run.metric(metric) or 0.0) for place, (run, _) in zip(groups, pairs, strict=True))
    others = _means((place, run.metric(metric) or 0.0) for place, (_, run) in zip(groups, pairs, strict=True))
    found = paired_difference(mine, others)
    return found if found.n >= FEWEST else replace(found, low=None, high=None, p=None)


def _linked(edges: Sequence[tuple[Hashable, Hashable]]) -> list[Hashable]:
    """For each edge the name of its component: edges that share an end, by whatever way, have the same."""
    leader: dict[Hashable, Hashable] = {}

    def find(node: Hashable) -> Hashable:
        while leader.setdefault(node, node) != node:
            node = leader[node]
        return node

    for one, other in edges:
        leader[find(one)] = find(other)
    return [find(one) for one, _ in edges]


def _means(values: Iterable[tuple[Hashable, float]]) -> dict[Hashable, float]:
    samples: dict[Hashable, list[float]] = {}
    for place, value in values:
        samples.setdefault(place, []).append(value)
    return {place: math.fsum(sample) / len(sample) for place, sample in samples.items()}


def ran_beside_each_other(runs: Iterable[Run]) -> bool:
    """Whether two clocks of one machine ran at the same time, as far as the summaries know."""
    spans = {clock_of(run): span for run in runs for span in _span(run)}
    busy_until: dict[str, float] = {}
    for machine, began, ended in sorted(spans.values()):
        if began < busy_until.get(machine, -math.inf):
            return True
        busy_until[machine] = ended
    return False


def _span(run: Run) -> Iterator[tuple[str, float, float]]:
    """The machine, the beginning and the end, in seconds of its clock."""
    clock, machine = _clock(run), _mapping(run, "process").get("boot")
    began, ended = clock.get("began"), clock.get("ended")
    if machine and isinstance(began, int | float) and isinstance(ended, int | float):
        yield str(machine), began, ended


def _clock(run: Run) -> dict[str, Any]:
    return _mapping(run, "clock")


def _mapping(run: Run, key: str) -> dict[str, Any]:
    value = run.summary.get(key)
    return value if isinstance(value, dict) else {}
