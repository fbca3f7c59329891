"""Numbers and differences in words: `+0.41 points, 95 % +0.28 to +0.54, real`."""

from __future__ import annotations

from trainer.compare.clocks import FEWEST
from trainer.compare.crossed import LEVEL, Crossed
from trainer.compare.judging import Judgement
from trainer.compare.planning import seeds_needed
from trainer.compare.rows import Row
from trainer.compare.scales import Scale

MARGINS = tuple(digit * 10.0**exponent for exponent in range(-4, 1) for digit in (1, 2, 5))
"""Differences that an undecided comparison might be decided for with more seeds, in the metric's own unit."""

AFFORDABLE = 50
"""Seeds more than this are no advice."""


def row_verdict(row: Row, scale: Scale) -> str:
    """What the table says about a row: that it is the baseline, that it has no values, or how it differs."""
    if row.pruned:
        return f"{len(row.pruned)} of {len(row.everything)} runs were pruned, so there is no mean"
    if row.judgement is None:
        return "baseline"
    if row.diverged and not row.counted:
        return "all runs diverged"
    return verdict(row.judgement, scale)


def verdict(judgement: Judgement, scale: Scale) -> str:
    """One row against the baseline: first the estimate with its interval, then what that shows."""
    difference = judgement.difference
    n, mean = difference.n, difference.mean
    if judgement.clocks and n < FEWEST:
        return _too_few_clocks(n, mean, scale)
    if n < 2 or mean is None:
        return f"too few pairs to tell (n = {n})"
    if difference.p is None:
        same = f"{scale(mean, '+')}{scale.unit} in each of {n} pairs, too alike for a test"
        return same if mean else f"identical in all {n} pairs"
    low, high = interval(judgement)
    decides = (
        _what_would_decide(judgement, scale) if judgement.graded.grade in ("undecided", "limited by images") else ""
    )
    words = f"{grade_words(judgement, scale)}{decides}"
    return f"{scale(mean, '+')}{scale.unit}, 95 % {scale.interval(low, high, '+')}, {words}"


def _too_few_clocks(n: int, mean: float | None, scale: Scale) -> str:
    if mean is None:
        return "nothing to compare: no two clocks"
    return f"{scale(mean, '+')}{scale.unit}, too few clocks for a test (n = {n})"


def interval(judgement: Judgement) -> tuple[float | None, float | None]:
    """For new seeds and images where images were counted, else for new seeds."""
    if judgement.counts_images:
        return judgement.crossed.low, judgement.crossed.high
    return judgement.difference.low, judgement.difference.high


def is_shown(judgement: Judgement) -> bool:
    """Whether a difference is claimed at all."""
    p = judgement.graded.seeds_p
    return p is not None and p < LEVEL


def grade_words(judgement: Judgement, scale: Scale) -> str:
    """What a difference may be called, in a word or a few."""
    if judgement.difference.p is None:
        return "not tested"
    if not judgement.counts_images:
        limits = "this machine only" if judgement.clocks else "seeds only"
        return f"{'real' if is_shown(judgement) else 'not shown'} ({limits})"
    grade = judgement.graded.grade
    if grade in ("real", "on these images only"):
        return grade
    if grade == "equal within margin" and judgement.margin is not None:
        return f"equal within {scale.amount(judgement.margin)}"
    return "undecided"


def _what_would_decide(judgement: Judgement, scale: Scale) -> str:
    """How many seeds more, and for which difference; or what no number of seeds can do."""
    if not judgement.counts_images:
        return ""
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
