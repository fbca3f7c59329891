"""The way to the target accuracy: who reached it, and the median cost, runs that never did counted as long as they ran."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.compare.rates import censored_median
from trainer.compare.runs import Run
from trainer.records import Status


@dataclass(frozen=True)
class Target:
    """When the target accuracy was reached: by how many runs, and the censored medians over all of them (None: unknown)."""

    runs: int
    reached: int
    steps: float | None
    samples: float | None
    seconds: float | None


def way_to_target(completed: Sequence[Run], diverged: Sequence[Run], pruned: Sequence[Run]) -> Target:
    """A diverged run never gets there, even where it passed the target on its way; nor does one that stopped before it, for that
    is how it was meant to be. Where runs were pruned there is no median: those were stopped because they were slow."""
    everything = [*completed, *diverged, *pruned]
    reached = [not _is_lost(run) and run.metric("steps_to_target") is not None for run in everything]
    if pruned or not any(reached):
        return Target(len(everything), sum(reached), None, None, None)

    def median(unit: str) -> float | None:
        times = [math.inf if _is_lost(run) else _watched(run, unit) for run in everything]
        return censored_median(times, reached)

    return Target(len(everything), sum(reached), median("steps"), median("samples"), median("seconds"))


def _is_lost(run: Run) -> bool:
    return run.status == Status.DIVERGED


def _watched(run: Run, unit: str) -> float:
    """Until the target, for ever in a run that stopped before it, else until the run's end; a cost that the summary does not
    hold is one beyond all others."""
    found = run.metric(f"{unit}_to_target")
    if found is None and run.metric("stopped_epoch") is not None:
        return math.inf
    if found is None:
        found = {"steps": run.metric("steps"), "samples": _samples(run), "seconds": run.metric("train_seconds")}[unit]
    return math.inf if found is None else found


def _samples(run: Run) -> float | None:
    """All samples of a finished run; `samples_per_second` and `stack` are those of its stack."""
    rate, seconds = run.metric("samples_per_second"), run.metric("train_seconds")
    return None if rate is None or seconds is None else rate * seconds / (run.metric("stack") or 1)
