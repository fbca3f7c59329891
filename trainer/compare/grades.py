"""What a table's differences may be called: real, on these images only, equal within a margin, or undecided.

The grades nest: p for seeds and images is never below p for seeds alone, and Holm's correction, which is monotone in the
p-values, is applied to both lists over the same comparisons. So whatever is `real` also holds on these images, and each
list keeps its own family-wise error: `real` about new seeds and images, the other about new seeds on these images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.compare.crossed import LEVEL, Crossed
from trainer.compare.planning import images_limit, seeds_needed, smallest_detectable
from trainer.compare.statistics import holm

Grade = Literal["real", "on these images only", "equal within margin", "undecided", "limited by images", "untested"]


@dataclass(frozen=True)
class Graded:
    """One comparison. `p` (seeds and images) and `seeds_p` are Holm's; None where nothing was tested.

    `more_seeds`: how many beyond those there are would decide the margin (None: no number, or unknown). `decidable`: the
    smallest margin that any number of seeds decides on these images. `detectable`: the smallest true difference that the
    table would have called real in 80 % of cases, at the first step of Holm's correction."""

    grade: Grade
    p: float | None = None
    seeds_p: float | None = None
    more_seeds: int | None = None
    decidable: float | None = None
    detectable: float | None = None


def corrected(results: Sequence[Crossed]) -> tuple[list[float | None], list[float | None]]:
    """Holm over the comparisons that seeds can test, for seeds and images and for seeds alone.

    A comparison without a test for images counts as 1 in the first list, so that both correct for the same number."""
    both = holm([None if one.seeds_p is None else 1.0 if one.p is None else one.p for one in results])
    shown = [p if one.p is not None else None for p, one in zip(both, results, strict=True)]
    return shown, holm([one.seeds_p for one in results])


def graded(results: Sequence[Crossed], margin: float, level: float = LEVEL) -> list[Graded]:
    """The comparisons of one table with its baseline; `margin` is in the unit of the differences (0.001: 0.1 points).

    The results' own intervals are not corrected; `level` is the family-wise one."""
    both, seeds = corrected(results)
    family = max(sum(p is not None for p in seeds), 1)
    return [
        _graded(result, p, seeds_p, margin, level, level / family)
        for result, p, seeds_p in zip(results, both, seeds, strict=True)
    ]


def _graded(
    result: Crossed, p: float | None, seeds_p: float | None, margin: float, level: float, step: float
) -> Graded:
    limit, needed = images_limit(result), seeds_needed(result, margin / 2)
    more = None if needed is None else max(needed - result.n, 0)
    decidable = None if limit is None else 2 * limit
    return Graded(
        _grade(result, p, seeds_p, margin, level, more), p, seeds_p, more, decidable, smallest_detectable(result, step)
    )


def _grade(
    result: Crossed, p: float | None, seeds_p: float | None, margin: float, level: float, more: int | None
) -> Grade:
    if p is not None and p < level:
        return "real"
    if seeds_p is not None and seeds_p < level:
        return "on these images only"
    if result.low is None or result.high is None:
        return "untested"
    if -margin < result.low and result.high < margin:
        return "equal within margin"
    return "undecided" if more is not None else "limited by images"
