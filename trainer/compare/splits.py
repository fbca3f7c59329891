"""Validation images drawn anew for every seed: such runs are one configuration, and their splits overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from trainer.compare.groups import group_runs
from trainer.compare.runs import Run

KEY = "dataset.split_seed"
TIED = "seed"
"""What `dataset.split_seed` is called where every run of a configuration was split by its own seed."""


def with_tied_splits(runs: Iterable[Run]) -> list[Run]:
    """The runs, `dataset.split_seed` being `seed` where it is that in all runs of a configuration with two seeds or more:
    `dataset.split_seed=${seed}` makes no row for each seed."""
    kept = list(runs)
    families = group_runs(kept, None, ignored=(KEY,))
    tied = {id(run) for family in families if _is_tied(family) for run in family}
    return [replace(run, settings=run.settings | {KEY: TIED}) if id(run) in tied else run for run in kept]


def _is_tied(runs: Sequence[Run]) -> bool:
    return len({run.seed for run in runs}) > 1 and all(run.settings.get(KEY) == run.seed for run in runs)


def are_tied(runs: Iterable[Run]) -> bool:
    return any(run.settings.get(KEY) == TIED for run in runs)


def overlap(runs: Sequence[Run], metric: str) -> float:
    """What overlapping splits add to the variance of a mean, as a share of that over seeds: Nadeau and Bengio's n₂/n₁.

    0 where all runs were judged on the same images, or where it is not known how many they were trained on."""
    if not are_tied(runs) or "valid/" not in metric:
        return 0.0
    shares = [_tested(run) / trained for run in runs if (trained := _trained(run))]
    return max(shares, default=0.0)


def _tested(run: Run) -> int:
    held_out = run.settings.get("dataset.validation")
    return held_out if isinstance(held_out, int) else 0


def _trained(run: Run) -> int:
    """The number of training images, from what the stack's clock says of samples, seconds and epochs."""
    rate, seconds, epochs = (run.metric(name) for name in ("samples_per_second", "train_seconds", "epochs"))
    return round(rate * seconds / (run.metric("stack") or 1) / epochs) if rate and seconds and epochs else 0
