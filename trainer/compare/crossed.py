"""Differences between two techniques, seeds and images counted as crossed random effects.

The data are d[seed, image] = 1 where only our network got the image right, −1 where only the baseline's did, else 0: a
two-way table without repeats, d = µ + seed + image + rest (Rasmussen et al., *The DELVE Manual*, 1996). Its
mean estimates µ, the difference on new seeds and new images. With the mean squares of the analysis of variance

    a = s²(seed means) / n,   b = s²(image means) / m,   c = s²(rest) / (n·m)

the mean's variance is estimated by a + (b − c): a holds what seeds add and the rest's share, b − c what images add.

The interval joins two intervals as the sides of a right angle, half² = t²(n−1)·a + t²(m−1)·max(b − c, 0). Banerjee
(*Sankhyā* 22, 1960) proved that such sums cover at least as often as they say, at every level, whatever the variances;
the difference b − c is no mean square, but with a hundred images or more it is nearly as good. (Satterthwaite's degrees
of freedom, *Biometrics Bulletin* 2, 1946, give intervals that are too short where seeds are few and vary most.) The
interval contains that of seeds alone, so whatever holds for new images as well holds on these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.compare.distributions import student_below, student_quantile

LEVEL = 0.05
ROUNDING = 1e-14  # sums of squares this small beside the whole are zero but for rounding; counts are exact
HALVINGS = 60


@dataclass(frozen=True)
class Parts:
    """The sufficient statistics of a table d[seed, image]: its mean, and variances *of that mean*, in its unit squared.

    `seeds` is a (None with one seed), `images` b (None with one image), `rest` c (None unless there are two of each)."""

    n: int
    m: int
    mean: float | None = None
    seeds: float | None = None
    images: float | None = None
    rest: float | None = None

    @property
    def images_share(self) -> float | None:
        """What images alone add to the variance, b − c, never below 0; it stays however many seeds there are."""
        if self.images is None or self.rest is None:
            return None
        return max(self.images - self.rest, 0.0)

    @property
    def seeds_share(self) -> float | None:
        """a. Where all seeds' means tie it is not 0 but unknown: counts are coarse. The rest's share stands in."""
        return self.seeds or self.rest if self.rest is not None else self.seeds


@dataclass(frozen=True)
class Crossed:
    """A difference with two intervals at `level` (0.05: 95 %): for new seeds and images, and for new seeds on these images.

    `p` and `seeds_p` are two-sided. They are None where nothing was tested: with fewer than two seeds (or, for `p`, two
    images), or where every seed showed the same difference, which happens by chance when accuracies are counts.
    `df` (Satterthwaite) tells how well `standard_error` is known; the interval does not use it."""

    parts: Parts
    level: float = LEVEL
    standard_error: float | None = None
    df: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    seeds_low: float | None = None
    seeds_high: float | None = None
    seeds_p: float | None = None

    @property
    def n(self) -> int:
        return self.parts.n

    @property
    def m(self) -> int:
        return self.parts.m

    @property
    def mean(self) -> float | None:
        return self.parts.mean


def differences(ours: ArrayLike, base: ArrayLike) -> NDArray[np.int8]:
    """hits_ours − hits_base, shape (seeds, images), rows paired by seed and columns by image."""
    mine, theirs = np.asarray(ours, dtype=np.int8), np.asarray(base, dtype=np.int8)
    if mine.ndim != 2 or mine.shape != theirs.shape:
        raise ValueError(f"hits must be two tables of the same shape, not {mine.shape} and {theirs.shape}")
    return np.subtract(mine, theirs)


def parts(table: ArrayLike) -> Parts:
    """The mean and the variance parts of d[seed, image], shape (n, m). Counts, so small integers, are summed exactly."""
    d = np.asarray(table)
    if d.ndim != 2:
        raise ValueError(f"differences must be a table of seeds × images, not of shape {d.shape}")
    n, m = d.shape
    if n == 0 or m == 0:
        return Parts(n, m)
    rows, columns = d.sum(axis=1, dtype=np.float64), d.sum(axis=0, dtype=np.float64)
    total, squares = float(rows.sum()), float(np.square(d, dtype=np.float64).sum())
    # All sums of squares times n·m: integers where the differences are
    by_seed = n * float(rows @ rows) - total**2
    by_image = m * float(columns @ columns) - total**2
    rest = n * m * squares - total**2 - by_seed - by_image
    tiny = ROUNDING * n * m * squares

    def variance(sum_of_squares: float, df: int) -> float | None:
        return (sum_of_squares if sum_of_squares > tiny else 0.0) / df / (n * m) ** 2 if df else None

    shares = variance(by_seed, n - 1), variance(by_image, m - 1), variance(rest, (n - 1) * (m - 1))
    return Parts(n, m, total / (n * m), *shares)


def crossed(table: ArrayLike, level: float = LEVEL) -> Crossed:
    """The analysis of d[seed, image], shape (n, m); `level` 0.05 gives 95 % intervals."""
    return judge(parts(table), level)


def judge(measured: Parts, level: float = LEVEL) -> Crossed:
    """Intervals and p-values from the sufficient statistics."""
    if measured.mean is None or measured.seeds is None:
        return Crossed(measured, level)
    seeds = student(measured.n - 1, level) * math.sqrt(measured.seeds)
    seeds_p = p_of_seeds(measured)
    alone = (measured.mean - seeds, measured.mean + seeds, seeds_p)
    half = half_width(measured, level)
    if half is None:
        return Crossed(measured, level, None, None, None, None, None, *alone)
    error, df = standard_error(measured)
    both = (measured.mean - half, measured.mean + half, p_of_both(measured, seeds_p))
    return Crossed(measured, level, error, df, *both, *alone)


def student(df: float, level: float) -> float:
    """The two-sided critical value of Student's t; from the lower tail, which keeps its digits at small levels."""
    return -student_quantile(level / 2, df)


def half_width(measured: Parts, level: float) -> float | None:
    """Half the interval for new seeds and images: √(t²(n−1)·a + t²(m−1)·(b − c)), Banerjee 1960."""
    if measured.seeds_share is None or measured.images_share is None:
        return None
    seeds = student(measured.n - 1, level) * math.sqrt(measured.seeds_share)
    return math.hypot(seeds, student(measured.m - 1, level) * math.sqrt(measured.images_share))


def standard_error(measured: Parts) -> tuple[float, float | None]:
    """√(a + max(b − c, 0)) and its degrees of freedom after Satterthwaite 1946 (None where nothing varies)."""
    a, b, c = (part or 0.0 for part in (measured.seeds_share, measured.images, measured.rest))
    n, m = measured.n - 1, measured.m - 1
    noise = a**2 / n + (b**2 / m + c**2 / (n * m) if b > c else 0.0)
    variance = a + max(b - c, 0.0)
    return math.sqrt(variance), variance**2 / noise if noise else None


def p_of_seeds(measured: Parts) -> float | None:
    """Student's paired t-test over seeds; None where their differences do not vary."""
    if not measured.seeds or measured.mean is None:
        return None
    return 2 * student_below(-abs(measured.mean) / math.sqrt(measured.seeds), measured.n - 1)


def p_of_both(measured: Parts, seeds_p: float | None) -> float | None:
    """The level at which the interval just reaches 0. It lies between the seeds-only p-value and 1: halved in between."""
    if seeds_p is None or measured.mean is None or not measured.images_share:
        return seeds_p
    low, high = math.log(max(seeds_p, 1e-300)), 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reaches = (half_width(measured, math.exp(middle)) or 0.0) >= abs(measured.mean)
        low, high = (middle, high) if reaches else (low, middle)
    return max(seeds_p, math.exp(high))
