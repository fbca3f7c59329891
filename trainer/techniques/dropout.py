"""Inverted dropout (Srivastava et al. 2014): zero with probability `rate`, survivors over 1 − rate, identity in evaluation."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from trainer.techniques.numbers import Fraction


class Dropout(ABC):
    """Rates for the hidden activations and for the inputs."""

    name: ClassVar[str]
    rate: float
    input_rate: float


@dataclass(frozen=True)
class NoDropout(Dropout):
    """Nothing is dropped."""

    name = "none"
    rate = 0.0
    input_rate = 0.0


@dataclass(frozen=True)
class Half(Dropout):
    """Each hidden activation is zeroed with probability `rate`, the others divided by 1 − rate: one half, as in the article."""

    name = "half"
    rate: Fraction = 0.5
    input_rate: Fraction = 0.0


DROPOUTS: dict[str, type[Dropout]] = {rule.name: rule for rule in (NoDropout, Half)}
