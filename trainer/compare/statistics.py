"""The statistics of `train compare`, as pure functions: means with intervals, paired differences, Holm's correction.

`scipy.special` holds Student's distribution itself and loads in a fraction of the time of `scipy.stats`."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from trainer.compare.distributions import student_below, student_quantile

CONFIDENCE = 0.95
# Differences this much alike (relative to the values they came from) differ by rounding only.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean with its sample standard deviation (n − 1) and confidence interval, in the metric's own unit.

    Undefined parts are None: everything for n = 0, `sd`, `low` and `high` for n = 1. `overlap` is added to 1/n in the
    variance of the mean where each value comes from another split of the same data: tested images / training images
    (Nadeau and Bengio, *Machine Learning* 52, 2003: the corrected resampled t-test, still with n − 1 degrees of freedom)."""

    n: int
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    overlap: float = field(default=0.0, kw_only=True)

    @property
    def variance(self) -> float | None:
        """That of the mean."""
        return None if self.sd is None else self.sd**2 * (1 / self.n + self.overlap)


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean of paired differences (ours − baseline), with the two-sided p-value of the paired t-test.

    `p` is None where the test is undefined: fewer than two pairs, or the same difference in every pair."""

    p: float | None = None


def estimate(values: Sequence[float], overlap: float = 0.0) -> Estimate:
    """Mean, standard deviation and Student-t interval of a sample: mean ± t(n − 1) · sd · √(1/n + overlap)."""
    n = len(values)
    if n == 0:
        return Estimate(0)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(1, mean)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = student_quantile((1 + CONFIDENCE) / 2, n - 1) * sd * math.sqrt(1 / n + overlap)
    return Estimate(n, mean, sd, mean - half, mean + half, overlap=overlap)


def paired_difference(
    ours: Mapping[Hashable, float], baseline: Mapping[Hashable, float], overlap: float = 0.0
) -> Difference:
    """Student's paired t-test over the keys (seeds) that both samples have; the others are left out.

    Where all pairs differ by the same amount the t statistic is 0/0 or infinite, so no p-value is claimed:
    two pairs can agree by chance when accuracies come in steps of one image."""
    keys = [key for key in ours if key in baseline]
    sample = estimate([ours[key] - baseline[key] for key in keys], overlap)
    if sample.sd is None or sample.mean is None:
        return Difference(sample.n, sample.mean)
    size = max(max(abs(ours[key]), abs(baseline[key])) for key in keys)
    if sample.sd <= ROUNDING * size:
        exact = 0.0 if abs(sample.mean) <= ROUNDING * size else sample.mean
        return Difference(sample.n, exact, 0.0, exact, exact)
    t = sample.mean / (sample.sd * math.sqrt(1 / sample.n + overlap))
    p = 2 * student_below(-abs(t), sample.n - 1)
    return Difference(sample.n, sample.mean, sample.sd, sample.low, sample.high, p, overlap=overlap)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Scand. J. Statist. 6, 1979): the i-th smallest of m p-values is multiplied by
    m − i + 1, made monotone and capped at 1. None (no test) stays None and is not counted."""
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for done, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - done) * p))
        corrected[place] = largest
    return corrected
