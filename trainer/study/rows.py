"""The rows that a study's screen shows while it runs, from the summaries of the runs that have ended."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from trainer.compare.statistics import estimate, paired_difference
from trainer.identity import show
from trainer.records import Status
from trainer.study.answer import Chosen
from trainer.study.choosing import Trial, best
from trainer.study.question import Question
from trainer.study.screen import Rows
from trainer.terminal.printable import percent

Summaries = Mapping[int, Mapping[str, Any]]


def choosing_rows(question: Question, cells: Sequence[tuple[str, int]]) -> Rows:
    """Each configuration's best rate so far; `cells` holds the key and the step of each run."""
    total = {key: sum(own == key for own, _ in cells) for key, _ in cells}

    def rows(summaries: Summaries) -> list[tuple[str, ...]]:
        found: dict[str, dict[int, list[float | None]]] = {key: {} for key in total}
        for i, summary in summaries.items():
            key, step = cells[i]
            found[key].setdefault(step, []).append(_value(summary, "valid/accuracy"))
        return [
            (one.title, f"{sum(map(len, found[one.key].values()))}/{total[one.key]}", *_best(question, one.key, found))
            for one in question.configurations
        ]

    return rows


def _best(question: Question, key: str, found: Mapping[str, Mapping[int, Sequence[float | None]]]) -> tuple[str, str]:
    trials = [
        Trial(step, tuple(v for v in values if v is not None), sum(v is None for v in values))
        for step, values in found[key].items()
    ]
    if not trials:
        return "-", "-"
    chosen = best(trials)
    rate = float(question.experiments[key].optimizer.lr) * 2.0**chosen.step
    return show(rate), "diverged" if chosen.mean is None else percent(chosen.mean)


def judging_rows(question: Question, chosen: Mapping[str, Chosen], cells: Sequence[str]) -> Rows:
    """Each configuration's mean and its difference from the first one so far; `cells` holds the key of each run."""

    def rows(summaries: Summaries) -> list[tuple[str, ...]]:
        values: dict[str, dict[Hashable, float]] = {one.key: {} for one in question.configurations}
        for i, summary in summaries.items():
            if (value := _value(summary, "test/accuracy")) is not None:
                values[cells[i]][summary["seed"]] = value
        base = values[question.configurations[0].key]
        return [_row(one.title, chosen[one.key].rate, values[one.key], base) for one in question.configurations]

    return rows


def _row(title: str, rate: float, own: Mapping[Hashable, float], base: Mapping[Hashable, float]) -> tuple[str, ...]:
    mean, difference = estimate(list(own.values())).mean, paired_difference(own, base)
    if own is base or difference.mean is None:
        against = "-"
    elif difference.low is None:
        against = f"{100 * difference.mean:+.2f}"
    else:
        against = f"{100 * difference.mean:+.2f} ± {100 * (difference.mean - difference.low):.2f}"
    return title, show(rate), str(len(own)), "-" if mean is None else percent(mean), against


def _value(summary: Mapping[str, Any], metric: str) -> float | None:
    return summary.get(metric) if summary["status"] == Status.COMPLETED else None
