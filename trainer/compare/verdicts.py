"""Numbers and differences in words: `+0.41 points, 95 % +0.28 to +0.54, real`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trainer.compare.comparison import Row, Table
from trainer.compare.crossed import LEVEL, Crossed
from trainer.compare.judging import Judgement
from trainer.compare.planning import seeds_needed

MARGINS = tuple(digit * 10.0**exponent for exponent in range(-4, 1) for digit in (1, 2, 5))
"""Differences that an undecided comparison might be decided for with more seeds, in the metric's own unit."""

AFFORDABLE = 50
"""Seeds more than this are no advice."""


@dataclass(frozen=True)
class Scale:
    """How a metric is printed: accuracies in per cent and their differences in points, all else as it is."""

    factor: float
    unit: str
    decimals: int

    def __call__(self, value: float | None, sign: str = "") -> str:
        return "-" if value is None else f"{value * self.factor:{sign}z.{self.decimals}f}"

    def interval(self, low: float | None, high: float | None, sign: str = "") -> str:
        return "-" if low is None or high is None else f"{self(low, sign)} to {self(high, sign)}"

    def amount(self, value: float) -> str:
        """A size without a sign, in as few digits as it needs: 0.1 points."""
        return f"{value * self.factor:.2g}{self.unit}"


def scale_of(table: Table, metric: str) -> Scale:
    """As many decimals as the smallest spread in the table makes meaningful, the same in all its cells."""
    percent = metric.endswith("accuracy")
    factor = 100.0 if percent else 1.0
    spreads = [sd for row in table.rows for sd in _spreads(row) if sd]
    if spreads:
        digits = -_exponent(spreads, factor) + (0 if percent else 1)
    else:
        means = [abs(row.estimate.mean) for row in table.rows if row.estimate.mean]
        digits = 3 - _exponent(means, factor) if means else 2
    return Scale(factor, " points", min(max(digits, 2), 4)) if percent else Scale(factor, "", min(max(digits, 0), 9))


def _spreads(row: Row) -> Iterator[float | None]:
    yield row.estimate.sd
    if row.judgement:
        yield row.judgement.difference.sd


def _exponent(values: Iterable[float], factor: float) -> int:
    return math.floor(math.log10(min(values) * factor))


def row_verdict(row: Row, scale: Scale) -> str:
    """What the table says about a row: that it is the baseline, that it has no values, or how it differs."""
    if row.judgement is None:
        return "baseline"
    if row.diverged and not row.runs:
        return "all runs diverged"
    return verdict(row.judgement, scale)


def verdict(judgement: Judgement, scale: Scale) -> str:
    """One row against the baseline: first the estimate with its interval, then what that shows."""
    difference = judgement.difference
    n, mean = difference.n, difference.mean
    if n < 2 or mean is None:
        return f"too few pairs to tell (n = {n})"
    if difference.p is None:
        same = f"{scale(mean, '+')}{scale.unit} in each of {n} pairs, too alike for a test"
        return same if mean else f"identical in all {n} pairs"
    low, high = interval(judgement)
    return f"{scale(mean, '+')}{scale.unit}, 95 % {scale.interval(low, high, '+')}, {_shown(judgement, scale)}"


def interval(judgement: Judgement) -> tuple[float | None, float | None]:
    """For new seeds and images where images were counted, else for new seeds."""
    if judgement.counts_images:
        return judgement.crossed.low, judgement.crossed.high
    return judgement.difference.low, judgement.difference.high


def is_shown(judgement: Judgement) -> bool:
    """Whether a difference is claimed at all."""
    p = judgement.graded.seeds_p
    return p is not None and p < LEVEL


def _shown(judgement: Judgement, scale: Scale) -> str:
    if not judgement.counts_images:
        return "real (seeds only)" if is_shown(judgement) else "not shown (seeds only)"
    grade = judgement.graded.grade
    if grade in ("real", "on these images only"):
        return grade
    if grade == "equal within margin" and judgement.margin is not None:
        return f"equal within {scale.amount(judgement.margin)}"
    return f"undecided{_what_would_decide(judgement, scale)}"


def _what_would_decide(judgement: Judgement, scale: Scale) -> str:
    """How many seeds more, and for which difference; or what no number of seeds can do."""
    crossed, decidable = judgement.crossed, judgement.graded.decidable
    for margin in (judgement.margin or 0.0, *(m for m in MARGINS if m > (judgement.margin or 0.0))):
        more = _more_seeds(crossed, margin)
        if more is not None and more <= AFFORDABLE:
            about = f"about {max(more, 1)} more seed{'s' * (more > 1)} would decide {scale.amount(margin)}"
            return f": {about}"
    if decidable is not None:
        return f": no number of seeds can decide less than {scale.amount(decidable)} on these {crossed.m:,} images"
    return ""


def _more_seeds(crossed: Crossed, margin: float) -> int | None:
    needed = seeds_needed(crossed, margin / 2)
    return None if needed is None else max(needed - crossed.n, 0)
