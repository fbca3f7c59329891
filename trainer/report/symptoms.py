"""What a run's records show, in numbers. The bounds lie between healthy runs of every optimizer and runs with planted faults;
tests/report/test_diagnoses.py trains both kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from statistics import median
from typing import Any

from trainer.report.history import Guess, History, guess, number

FADED = 0.05  # of the last layer's gradient; healthy networks have 0.15 and more in the first
HUGE = 100.0  # a gradient's norm; in healthy runs it is about 1, and seldom above 10
MOVED = 0.15  # of their own length is what weights move at least in a run that gets somewhere
SWINGS = 0.2  # of the loss of guessing: what the training loss climbs in all, in a run whose rate is too large
FITTED = 0.25  # of the loss of guessing: below it a run has learned, whatever its way there
STUCK = 0.75  # of the loss of guessing: above it a run has learned little


def linear_layers(history: History) -> list[str]:
    """The layers with weights, first to last."""
    return [name for name in history.layers() if name.startswith("linear")]


def faded(history: History) -> float | None:
    """The first layer's gradient as a share of the last one's, the median over the records; None for fewer than two layers."""
    shares = [share for _, share in fading(history)]
    return median(shares) if shares else None


def fading(history: History) -> list[tuple[float, float]]:
    """The same at each record: (epoch, share)."""
    layers = linear_layers(history)
    if len(layers) < 2:
        return []
    last = dict(history.series(f"grad_norm/{layers[-1]}"))
    return [(epoch, norm / last[epoch]) for epoch, norm in history.series(f"grad_norm/{layers[0]}") if last.get(epoch)]


def is_dead(history: History) -> bool:
    """Whether at the last record no gradient at all reached the first layer, while the last one had some."""
    layers = linear_layers(history)
    if len(layers) < 2 or not history.rows:
        return False
    row = history.rows[-1]
    return number(row.get(f"grad_norm/{layers[0]}")) == 0 and bool(number(row.get(f"grad_norm/{layers[-1]}")))


def way(history: History) -> float | None:
    """How far the updates together have moved the weights at most, as a multiple of their own length, in the layer that moved
    farthest; estimated from the recorded updates. None without records."""
    ways = [_way(history, layer) for layer in history.layers("update_ratio")]
    return max(ways, default=None)


def _way(history: History, layer: str) -> float:
    total, before = 0.0, 0.0
    for row in history.rows:
        step = number(row.get("step")) or 0.0
        total += (number(row.get(f"update_ratio/{layer}")) or 0.0) * (step - before)
        before = step
    return total


def climbed(history: History) -> float:
    """All that the training loss went up by, from record to record."""
    return sum(max(0.0, now - before) for before, now in pairwise(history.values("train/loss")))


def standing(history: History) -> float | None:
    """The last training loss as a share of the loss of guessing; None where either is unknown."""
    losses, chance = history.values("train/loss"), history.guess("train")
    return losses[-1] / chance.loss if losses and chance and chance.loss > 0 else None


def judged_on(summary: Mapping[str, Any]) -> tuple[str, float, Guess] | None:
    """The split that says what was learned, the last accuracy on it, and what guessing gets there."""
    for split in ("valid", "test", "train"):
        accuracy, chance = number(summary.get(f"{split}/accuracy")), guess(summary, split)
        if accuracy is not None and chance is not None:
            return split, accuracy, chance
    return None


def is_chance(accuracy: float, chance: Guess) -> bool:
    """Whether an accuracy is no higher than that of always naming the most frequent class, two standard errors allowed."""
    error = math.sqrt(chance.accuracy * (1 - chance.accuracy) / chance.images)
    return accuracy <= chance.accuracy + 2 * error


def only_guesses(summary: Mapping[str, Any]) -> bool:
    """Whether the network that a run ended with does no better than guessing. Untrained ones can be right a little more often
    than that; their loss gives them away. False where the summary doesn't tell what guessing gets."""
    judged = judged_on(summary)
    if judged is None:
        return False
    split, accuracy, chance = judged
    loss = number(summary.get(f"{split}/loss"))
    untrained = loss is not None and loss >= 0.98 * chance.loss and accuracy <= 1.5 * chance.accuracy
    return is_chance(accuracy, chance) or untrained


def never_clipped(summary: Mapping[str, Any]) -> bool:
    """Whether a clip of gradients was there all the time and had nothing to do."""
    return bool(summary.get("steps")) and number(summary.get("clipped_fraction")) == 0
