"""Each configuration's own learning rate: the same number of rates around its optimizer's default, judged on validation images.

Rates are the default times 2^step. Where the best is the lowest or highest tried, further ones are tried beyond it, so that no
technique is judged at a rate that merely happened to be offered; the number of such rounds is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainer.experiment import Experiment
from trainer.identity import show
from trainer.records import Status
from trainer.study.question import Configuration, Question
from trainer.sweep.cells import Cell

STEPS = (-2, -1, 0, 1, 2)
"""Powers of two that the default rate is multiplied by at first: a quarter to four times the default."""

BEYOND = 2
"""How many further rates a round tries beyond an edge."""

ROUNDS = 3
"""Rounds of further rates, at most: down to 1/256 of the default, up to 256 times."""

SEEDS = (0, 1, 2)
"""The seeds that choose; none of them judges."""


@dataclass(frozen=True)
class Trial:
    """A rate that was tried: its step, its final valid/accuracy for each seed that did not diverge, how many did."""

    step: int
    accuracies: tuple[float, ...]
    diverged: int = 0

    @property
    def mean(self) -> float | None:
        return math.fsum(self.accuracies) / len(self.accuracies) if self.accuracies else None


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the fewest diverged runs and of those the highest mean; of equals the one nearest to the default, and
    where every run diverged the lowest rate."""

    def score(trial: Trial) -> tuple[float, float, int]:
        mean = trial.mean
        return (math.inf, 0.0, trial.step) if mean is None else (trial.diverged, -mean, abs(trial.step))

    return min(trials, key=score)


def is_at_edge(trials: Sequence[Trial]) -> bool:
    """Whether the best rate is the lowest or the highest of those tried, so that a better one may lie beyond."""
    steps = [trial.step for trial in trials]
    return best(trials).step in (min(steps), max(steps))


def further(trials: Sequence[Trial]) -> list[int]:
    """The steps to try next; none where the best rate lies inside, or enough rounds have been."""
    steps = [trial.step for trial in trials]
    limit = max(STEPS) + ROUNDS * BEYOND
    chosen = best(trials).step
    if chosen == max(steps):
        return [step for step in range(chosen + 1, chosen + 1 + BEYOND) if step <= limit]
    if chosen == min(steps):
        return [step for step in range(chosen - BEYOND, chosen) if step >= -limit]
    return []


def at(experiment: Experiment, step: int, seed: int) -> Experiment:
    """The experiment with this seed, at its default rate times 2^step."""
    optimizer = experiment.optimizer
    return replace(experiment, seed=seed, optimizer=replace(optimizer, lr=float(optimizer.lr) * 2.0**step))


def cell(question: Question, one: Configuration, step: int, seed: int, with_rate: bool = True) -> Cell:
    """A run of a configuration, named by its key, its rate where several are tried, and its seed."""
    experiment = at(question.experiments[one.key], step, seed)
    rate = f"optimizer.lr={show(float(experiment.optimizer.lr))}"
    words = (*(f"{group}={word}" for group, word in one.choices.items()), rate, f"seed={seed}")
    name = ",".join((one.key, *((rate.removeprefix("optimizer."),) if with_rate else ()), f"seed={seed}"))
    return Cell(experiment, name, words)


def trials_of(steps: Sequence[int], summaries: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """A configuration's trials; `summaries` are those of its runs, all seeds of the first step first."""
    size = len(SEEDS)
    return [_trial(step, summaries[i * size : (i + 1) * size]) for i, step in enumerate(steps)]


def _trial(step: int, summaries: Sequence[Mapping[str, Any]]) -> Trial:
    completed = [summary for summary in summaries if summary["status"] == Status.COMPLETED]
    return Trial(step, tuple(float(s["valid/accuracy"]) for s in completed), len(summaries) - len(completed))
