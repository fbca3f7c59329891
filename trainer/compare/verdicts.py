"""Numbers and differences in words: `better by 0.41 points, 95 % 0.28 to 0.54, n = 10`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from trainer.compare.comparison import Row, Table
from trainer.compare.statistics import Difference

SIGNIFICANT = 0.05
WORDS = {1: "better", -1: "worse"}
NEUTRAL = {1: "higher", -1: "lower"}


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


def scale_of(table: Table, metric: str) -> Scale:
    """As many decimals as the smallest spread in the table makes meaningful, the same in all its cells."""
    percent = metric.endswith("accuracy")
    factor = 100.0 if percent else 1.0
    spreads = [part.sd for row in table.rows for part in (row.estimate, row.difference) if part and part.sd]
    if spreads:
        digits = -_exponent(spreads, factor) + (0 if percent else 1)
    else:
        means = [abs(row.estimate.mean) for row in table.rows if row.estimate.mean]
        digits = 3 - _exponent(means, factor) if means else 2
    return Scale(factor, " points", min(max(digits, 2), 4)) if percent else Scale(factor, "", min(max(digits, 0), 9))


def _exponent(values: Iterable[float], factor: float) -> int:
    return math.floor(math.log10(min(values) * factor))


def row_verdict(row: Row, scale: Scale, direction: int) -> str:
    """What the table says about a row: that it is the baseline, that it has no values, or how it differs."""
    if row.difference is None:
        return "baseline"
    if row.diverged and not row.runs:
        return "all runs diverged"
    return verdict(row.difference, row.p_holm, scale, direction)


def verdict(difference: Difference, p: float | None, scale: Scale, direction: int) -> str:
    """One row against the baseline, in words. `p` is the corrected p-value; the interval is the difference's own."""
    n, mean = difference.n, difference.mean
    if n < 2 or mean is None:
        return f"too few pairs to tell (n = {n})"
    low, high = sorted(abs(end) for end in (difference.low or 0.0, difference.high or 0.0))
    word = (WORDS if direction else NEUTRAL)[1 if mean * (direction or 1) > 0 else -1]
    if p is None:
        same = f"{word} by {scale(abs(mean))}{scale.unit} in each of {n} pairs, too alike for a test"
        return same if mean else f"identical in all {n} pairs"
    if p < SIGNIFICANT:
        return f"{word} by {scale(abs(mean))}{scale.unit}, 95 % {scale.interval(low, high)}, n = {n}"
    corrected = " after correction" if difference.p is not None and difference.p < SIGNIFICANT else ""
    ends = scale.interval(difference.low, difference.high, "+")
    return f"no difference shown{corrected} with n = {n} (95 % {ends}{scale.unit})"
