"""Smaller statistics of a table of runs: counts of diverged runs, bounded means, censored times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from trainer.compare.statistics import Estimate


def fisher_exact(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """The two-sided p-value that two counts, such as diverged runs of all runs, come from one rate (Fisher 1922).

    The probability, with both margins fixed, of all tables no likelier than this one; in integers, so that equally
    likely tables are equal. 3 of 3 against 0 of 3: 0.1, so three runs each can never show a difference at 5 %."""
    if not (0 <= hits <= trials and 0 <= other_hits <= other_trials):
        raise ValueError(f"{hits} of {trials} and {other_hits} of {other_trials} are no counts")
    both = hits + other_hits

    def ways(mine: int) -> int:
        return math.comb(trials, mine) * math.comb(other_trials, both - mine)

    possible = range(max(0, both - other_trials), min(trials, both) + 1)
    as_rare = sum(count for count in map(ways, possible) if count <= ways(hits))
    return float(Fraction(as_rare, math.comb(trials + other_trials, both)))


def bounded(estimate: Estimate, lowest: float = 0.0, highest: float = 1.0) -> Estimate:
    """The estimate with its interval cut to where its mean can lie, such as [0, 1] for an accuracy.

    Cutting costs no coverage: what is cut off cannot contain the true mean. An interval on the logit scale would stay
    inside by itself, but is one for another quantity than the mean that stands beside it, and has none at 0 or 1."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(estimate.low, lowest), high=min(estimate.high, highest))


def censored_median(times: Sequence[float], reached: Sequence[bool]) -> float | None:
    """The median time to a target, runs that did not get there counted as long as they were watched.

    Kaplan and Meier's (*JASA* 53, 1958): the first time at which no more than half are still on their way; where exactly
    half are, half way to the next arrival, as for an even number of complete times. None where no such time was seen,
    so wherever at least half never arrived."""
    if len(times) != len(reached):
        raise ValueError(f"{len(times)} times, but {len(reached)} marks")
    arrivals = sorted({time for time, there in zip(times, reached, strict=True) if there})
    alive, half = Fraction(1), Fraction(1, 2)
    for place, now in enumerate(arrivals):
        at_risk = sum(time >= now for time in times)
        alive *= 1 - Fraction(sum(time == now and there for time, there in zip(times, reached, strict=True)), at_risk)
        if alive < half:
            return now
        if alive == half:
            return (now + arrivals[place + 1]) / 2 if place + 1 < len(arrivals) else None
    return None
