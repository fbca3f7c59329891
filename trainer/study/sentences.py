"""A study's answer in plain words: one sentence a technique, one over all, what limits the conclusion, and how it was done."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.compare.planning import NARROWED, images_limit, seeds_needed
from trainer.compare.rates import fisher_exact
from trainer.compare.scales import Scale
from trainer.compare.verdicts import verdict
from trainer.identity import show
from trainer.study.answer import Answer
from trainer.study.doubts import learned_nothing
from trainer.study.judging import Sample, Verdict
from trainer.terminal.printable import percent, printable

POINTS = Scale(100.0, " points", 2)
HELPS = {True: "helps", False: "hurts"}
BETTER = {True: "better", False: "worse"}
AFFORDABLE = 200
"""Seeds more than this are no advice."""


def sentences(answer: Answer) -> list[str]:
    """Everything that the answer says: who learned nothing, a sentence or two a technique, one over all, the limits."""
    return [
        *learned_nothing(answer),
        *(technique(answer, one) for one in alone(answer)),
        over_all(answer),
        *limits(answer),
    ]


def alone(answer: Answer) -> list[Verdict]:
    """What each technique does by itself, and words of one group against each other."""
    return [one for one in answer.verdicts if one.comparison.place == "alone"]


def beside(answer: Answer, one: Verdict) -> Verdict | None:
    """The same asked beside the others; None where there are none."""
    return next((other for other in answer.verdicts if other.comparison.is_beside(one.comparison)), None)


def technique(answer: Answer, one: Verdict) -> str:
    """What a technique does alone, then beside the others."""
    said = [f"{_claim(one)}: {shown(answer, one)}."]
    if other := beside(answer, one):
        said.append(f"Beside the others: {shown(answer, other)}.")
    if one.comparison.group == "clip" and one.ours.clipped is not None:
        said.append(f"It acted in {_roughly(one.ours.clipped)} of updates.")
    return " ".join(said)


def _claim(one: Verdict) -> str:
    """What is claimed of a technique: `momentum helps`; its name alone where nothing is."""
    asked, grade, better = one.comparison, one.grade, one.is_better
    against = f" is {BETTER[better]} than {asked.other}" if asked.rivals else f" {HELPS[better]}"
    claims = {
        "real": against,
        "on these images only": f"{against}, perhaps on these images alone",
        "equal within margin": f" is as good as {asked.other}" if asked.rivals else " changes nothing that matters",
    }
    return f"{asked.name}{claims.get(grade, f' against {asked.other}' if asked.rivals else '')}"


def shown(answer: Answer, one: Verdict) -> str:
    """The estimate with its interval and its grade, or why there is none."""
    if one.judgement is not None:
        where = f" points on {printable(answer.dataset)}," if one.comparison.place == "alone" else " points,"
        return verdict(one.judgement, POINTS).replace(" points,", where, 1)
    titles = {each.key: each.title for each in answer.question.configurations}
    p = fisher_exact(one.ours.diverged, one.ours.runs, one.base.diverged, one.base.runs)
    counts = " and ".join(
        f"{own.diverged} of {own.runs} with {titles[key]}"
        for key, own in ((one.comparison.ours, one.ours), (one.comparison.base, one.base))
    )
    return (
        f"accuracies are not compared because runs diverged, {counts} (Fisher's exact test, not corrected: p = {p:.2g})"
    )


def over_all(answer: Answer) -> str:
    """One sentence over all of it: what all techniques do together, or which configuration came out best."""
    together = next((one for one in answer.verdicts if one.comparison.place == "together"), None)
    if not together:
        return _best(answer)
    return f"All together against the {answer.question.configurations[0].title}: {shown(answer, together)}."


def _best(answer: Answer) -> str:
    """Each configuration's mean, the highest first; it may be there by chance, which the other sentences tell."""
    means = [
        (own.estimate.mean, one.title)
        for one in answer.question.configurations
        if (own := answer.samples[one.key]).estimate.mean is not None and not own.diverged
    ]
    if not means:
        return "No configuration trained without diverging."
    ranked = [f"{title} {accuracy(mean)}" for mean, title in sorted(means, key=lambda each: -(each[0] or 0.0))]
    return f"Mean accuracies on {printable(answer.dataset)}, the highest first: {', '.join(ranked)}."


def limits(answer: Answer) -> Iterator[str]:
    """What keeps the conclusion from being sharper."""
    yield _limit(answer)
    if any(_excludes_zero(one) and one.grade in ("undecided", "limited by images") for one in answer.verdicts):
        yield (
            f"Verdicts are corrected for {len(answer.verdicts)} comparisons and intervals are not: an interval may leave 0 out "
            "where nothing is claimed."
        )
    for one in answer.question.configurations:
        sample, chosen = answer.samples[one.key], answer.chosen[one.key]
        if chosen.at_edge:
            edge = f"The best rate of {one.title}, {show(chosen.rate)}, is at the edge of those tried"
            yield f"{edge}: a better one may lie beyond."
        if sample.diverged:
            yield f"{one.title}: {_diverged(sample)} diverged at its best rate, {show(chosen.rate)}."


def _excludes_zero(one: Verdict) -> bool:
    low, high = (one.judgement.crossed.low, one.judgement.crossed.high) if one.judgement else (None, None)
    return low is not None and high is not None and not low <= 0 <= high


def _diverged(sample: Sample) -> str:
    return f"{sample.diverged} of {sample.runs} runs"


def _limit(answer: Answer) -> str:
    results = [one.judgement.crossed for one in answer.verdicts if one.judgement]
    margin, m = POINTS.amount(answer.margin), f"{answer.images:,}"
    if not results:
        return "Runs of every comparison diverged, so no accuracies were compared."
    if answer.limit == "margin":
        return f"No interval is longer than {margin}: {answer.seeds} seeds and {m} test images were enough."
    stays = max((images_limit(result) or 0.0) for result in results)
    if answer.limit == "images":
        return (
            f"The {m} test images are the limit: any number of seeds would leave up to ±{POINTS(stays)} points, so that "
            f"differences below {POINTS.amount(2 * stays)} can't all be decided; {answer.seeds} seeds came within 10 % of that."
        )
    return (
        f"The number of seeds is the limit: {answer.seeds}, the most that were allowed{_more(answer)}. The {m} test images "
        f"alone leave up to ±{POINTS(stays)} points."
    )


def _more(answer: Answer) -> str:
    """How many seeds would do, where that is a number to type."""
    results = [one.judgement.crossed for one in answer.verdicts if one.judgement]
    halves = [max(answer.margin / 2, NARROWED * (images_limit(result) or 0.0)) for result in results]
    needed = [seeds_needed(result, half) for result, half in zip(results, halves, strict=True)]
    most = max((n for n in needed if n is not None), default=0)
    return (
        f"; with about seeds={most} every interval would be as narrow as it need be" if 0 < most <= AFFORDABLE else ""
    )


def accuracy(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _roughly(share: float) -> str:
    return f"{100 * share:.2g} %"
