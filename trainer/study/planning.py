"""What a study will run, and about how long that takes: said before and as soon as the pace is known."""

from __future__ import annotations

from collections.abc import Mapping

from trainer.study import choosing
from trainer.study.question import Question, named
from trainer.study.schedule import schedule
from trainer.sweep.plan import Piece, Stack


class Forecast:
    """The work of a study in multiplications, and how long it takes at a pace."""

    def __init__(self, question: Question):
        costs: Mapping[str, float] = {
            key: Stack((Piece(0, experiment),)).cost for key, experiment in question.experiments.items()
        }
        self.stops = any(e.stop.name != "none" for e in question.experiments.values())
        self.seeds = list(schedule(question.seeds))
        each = sum(costs.values())
        self.choosing = each * len(choosing.STEPS) * len(choosing.SEEDS)
        self.judging = each * self.seeds[0], each * self.seeds[-1]

    def told(self, pace: float) -> str | None:
        """How long all of it takes; `pace` in multiplications a second, of all workers together."""
        choose, least, most = (_duration(work / pace) for work in (self.choosing, *self.judging))
        whole = [_duration((self.choosing + work) / pace) for work in self.judging]
        judge = least if least == most else f"{least} to {most}"
        total = whole[0] if whole[0] == whole[1] else f"{whole[0]} to {whole[1]}"
        about = "at most" if self.stops else "about"
        return f"At this pace the study takes {about} {total}: choosing {choose}, judging {judge}."


def _duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def opening(question: Question) -> list[str]:
    """What the study will do, a sentence each."""
    n = len(question.configurations)
    rates, seeds = len(choosing.STEPS), len(choosing.SEEDS)
    looks = list(schedule(question.seeds))
    many = f"{looks[0]} to {looks[-1]}" if len(looks) > 1 else str(looks[0])
    runs = f"{n * looks[0]} to {n * looks[-1]}" if len(looks) > 1 else str(n * looks[0])
    margin = "the margin" if question.margin is None else f"{question.margin:g} point{'s' * (question.margin != 1)}"
    until = f" until no interval is longer than {margin}, or the images are what limits it" if len(looks) > 1 else ""
    return [
        f"{asks(question)} {n} configurations.",
        f"First each chooses its learning rate: {rates} rates × {seeds} seeds, {n * rates * seeds} runs, judged on validation "
        "images; more where the best rate is the lowest or highest tried.",
        f"Then {many} fresh seeds judge each on test images, {runs} runs{until}.",
    ]


def asks(question: Question) -> str:
    """The question in words."""
    alone = [named(factor.group, factor.on) for factor in question.factors if factor.is_asked_against_plain]
    rivals = [factor for factor in question.factors if not factor.is_asked_against_plain]
    parts = [f"Which is best, {' or '.join(named(one.group, word) for word in one.words)}?" for one in rivals]
    if alone:
        does = "Does" if len(alone) == 1 else "Do"
        parts.append(f"{does} {listed(alone)} help{', alone and beside the others' * (len(question.factors) > 1)}?")
    return " ".join(parts)


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
