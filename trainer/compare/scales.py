"""How numbers are printed: accuracies in per cent and their differences in points, with the decimals that a spread deserves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainer.compare.judging import Judgement
from trainer.compare.rows import Row


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
        text = f"{float(f'{value * self.factor:.2g}'):g}"  # 110, not 1.1e+02
        return f"{text}{self.unit.removesuffix('s') if text == '1' else self.unit}"


def sample_scale(row: Row, metric: str) -> Scale:
    """For a row's own numbers."""
    return scale_of(row.estimate.sd, row.estimate.mean, metric)


def difference_scale(judgement: Judgement | None, metric: str) -> Scale:
    """For a row's difference from the baseline."""
    found = judgement.difference if judgement else None
    return scale_of(found.sd if found else None, found.mean if found else None, metric)


def scale_of(sd: float | None, mean: float | None, metric: str) -> Scale:
    """As many decimals as the spread makes meaningful, or, where none is known, as show a mean's leading digits."""
    percent = metric.endswith("accuracy")
    factor = 100.0 if percent else 1.0
    if not sd:
        digits = 2 if percent or not mean else 3 - _exponent(abs(mean) * factor)
    elif percent:
        digits = max(-_exponent(sd * factor), 1 if sd * factor >= 1 else 2)
    else:
        digits = 1 - _exponent(sd * factor)
    return Scale(factor, " points" if percent else "", min(max(digits, 0), 4 if percent else 9))


def _exponent(value: float) -> int:
    return math.floor(math.log10(value))
