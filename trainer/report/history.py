"""A run as it was recorded: configuration, summary and records, for whoever looks at it afterwards. No torch."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from trainer.experiment import Experiment

Row = Mapping[str, Any]


class Guess(NamedTuple):
    """What is reached without looking at an image: the share of the most frequent class, and the loss (entropy in nats) of
    knowing how frequent each class is; `images` is the size of the split."""

    images: int
    accuracy: float
    loss: float


@dataclass(frozen=True)
class History:
    """One run's configuration, its summary.json and the rows of its metrics.jsonl, in order."""

    experiment: Experiment
    summary: Mapping[str, Any]
    rows: Sequence[Row]

    def series(self, metric: str) -> list[tuple[float, float]]:
        """(epoch, value) of a metric, for each record that has a finite value."""
        pairs = ((number(row.get("epoch")), number(row.get(metric))) for row in self.rows)
        return [(epoch, value) for epoch, value in pairs if epoch is not None and value is not None]

    def values(self, metric: str) -> list[float]:
        """The finite values of a metric."""
        return [value for _, value in self.series(metric)]

    def layers(self, metric: str = "grad_norm") -> list[str]:
        """The names of the layers that have a `metric`, in the network's order."""
        names = dict.fromkeys(key for row in self.rows for key in row if key.startswith(f"{metric}/"))
        return sorted((name.partition("/")[2] for name in names), key=_place)

    def guess(self, split: str) -> Guess | None:
        """What guessing reaches on a split; None where the summary doesn't say, as those of older versions."""
        return guess(self.summary, split)


def guess(summary: Mapping[str, Any], split: str) -> Guess | None:
    """See `History.guess`."""
    told = summary.get("guessing")
    facts = told.get(split) if isinstance(told, Mapping) else None
    if not isinstance(facts, Mapping):
        return None
    images, accuracy, loss = (number(facts.get(key)) for key in ("images", "accuracy", "loss"))
    if images is None or accuracy is None or loss is None or images < 1 or not 0 <= accuracy <= 1:
        return None
    return Guess(int(images), accuracy, loss)


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _place(layer: str) -> tuple[int, str]:
    """linear2 before linear10, and norm1 beside linear1."""
    digits = re.search(r"\d{1,9}$", layer)
    return int(digits[0]) if digits else 0, layer
