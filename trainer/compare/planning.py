"""What a table could have seen, how many seeds would decide, and when a study has seen enough: pure functions.

To *decide* a margin is to have an interval no longer than it: such an interval either excludes 0 or lies within
±margin, whatever its centre. (A half-width equal to the margin would not do: it lies within ±margin only around 0.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trainer.compare.crossed import LEVEL, Crossed, half_width, student
from trainer.compare.distributions import chi_squared_quantile, normal_below

POWER = 0.8
NODES = 400
NARROWED = 1.1  # within 10 % of what the images leave, more seeds do not narrow an interval


def default_margin(images: int) -> float:
    """The difference that does not matter: 0.1 points on 10,000 images, in proportion to 1/√images, as is their noise."""
    return 0.1 / math.sqrt(images) if images else math.inf


def images_limit(result: Crossed) -> float | None:
    """The half-width that stays with any number of seeds: t(m−1)·√(b − c), at the result's level."""
    share = result.parts.images_share
    return None if share is None else student(result.m - 1, result.level) * math.sqrt(share)


def half_width_with(result: Crossed, n: int) -> float | None:
    """The half-width to expect of n seeds: a shrinks as 1/n, the images' share stays."""
    seeds, limit = result.parts.seeds_share, images_limit(result)
    if seeds is None or limit is None:
        return None
    return math.hypot(student(n - 1, result.level) * math.sqrt(seeds * result.n / n), limit)


def seeds_needed(result: Crossed, half: float) -> int | None:
    """The number of seeds, all told, that makes the half-width at most `half`; None where no number would."""
    limit = images_limit(result)
    if limit is None or limit >= half:
        return None
    low, high = 1, 2

    def wide(n: int) -> bool:
        return (half_width_with(result, n) or 0.0) > half

    while wide(high) and high < 1 << 40:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high


def smallest_detectable(result: Crossed, level: float = LEVEL, power: float = POWER) -> float | None:
    """The true difference that this table's design shows as real with probability `power`, its variances taken as true.

    P(|mean| > half) where the mean is normal around the difference and a is scaled by χ²(n−1)/(n−1), averaged over 400
    quantiles of it. The images' share counts as known. Without one this is the noncentral t distribution."""
    seeds, share = result.parts.seeds_share, result.parts.images_share
    if seeds is None or share is None:
        return None
    scale = chi_squared_quantile((np.arange(NODES) + 0.5) / NODES, result.n - 1) / (result.n - 1)
    images = student(result.m - 1, level) ** 2 * share
    halves = np.sqrt(student(result.n - 1, level) ** 2 * seeds * scale + images)
    error = math.sqrt(seeds + share)
    if not error:
        return 0.0
    low, high = 0.0, float(halves.max()) + 10 * error
    for _ in range(60):
        middle = (low + high) / 2
        seen = float(np.mean(normal_below((middle - halves) / error) + normal_below((-middle - halves) / error)))
        low, high = (middle, high) if seen < power else (low, middle)
    return high


def enough(results: Sequence[Crossed], margin: float) -> bool:
    """A study's stopping rule, by width and never by significance: every interval is no longer than `margin`, or as short
    as the images let it be. An interval that is not defined is not narrow."""
    return all(_narrow(result, margin) for result in results)


def _narrow(result: Crossed, margin: float) -> bool:
    limit, half = images_limit(result), half_width(result.parts, result.level)
    return limit is not None and half is not None and half <= max(margin / 2, NARROWED * limit)
