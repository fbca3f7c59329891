"""Which runs of two rows are compared with each other, and their values seed by seed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence

from trainer.compare.groups import values_of, varying
from trainer.compare.runs import Run


def by_seed(runs: Iterable[Run], metric: str) -> dict[Hashable, float]:
    """One value a seed: the metric's mean over the seed's runs, so that n counts seeds and nothing twice."""
    values: dict[Hashable, list[float]] = {}
    for run in runs:
        if (value := run.metric(metric)) is not None:
            values.setdefault(run.seed, []).append(value)
    return {seed: math.fsum(sample) / len(sample) for seed, sample in values.items()}


def matched(ours: Sequence[Run], base: Sequence[Run], metric: str) -> tuple[list[Run], list[Run]]:
    """The runs of both rows that have the metric and agree in seed *and* in every key varying inside a row.

    A key that one of the rows does not have at all cannot be matched and is averaged over."""
    shared = {key for run in ours for key in run.settings} & {key for run in base for key in run.settings}
    keys = tuple(key for key in {*varying(ours), *varying(base)} if key in shared)
    ours, base = ([run for run in row if run.metric(metric) is not None] for row in (ours, base))
    common = {(run.seed, values_of(run, keys)) for run in ours} & {(run.seed, values_of(run, keys)) for run in base}
    mine, theirs = ([run for run in row if (run.seed, values_of(run, keys)) in common] for row in (ours, base))
    return mine, theirs
