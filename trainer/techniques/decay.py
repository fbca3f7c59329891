"""Learning-rate schedules, from the simplest to the most involved: the multiplier of η as a pure function of the update t.

n counts updates or epochs (`per`) since the end of the warm-up, N is how many there are in all; without warm-up the first
multiplier is exactly 1. During a warm-up of w updates the multiplier is (t+1)/(w+1).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from trainer.techniques.numbers import AtLeastOne, Count, PositiveShare, Share

Per = Literal["update", "epoch"]


class Decay(ABC):
    """A schedule; `at(n, total)` is its multiplier after n of `total` steps, both counted in `per`."""

    name: ClassVar[str]
    has_horizon: ClassVar[bool] = False  # its shape depends on how long the run is
    per: Per
    warmup: Count

    @abstractmethod
    def at(self, n: int, total: int) -> float: ...


@dataclass(frozen=True)
class NoDecay(Decay):
    """1."""

    name = "none"
    per: Per = "update"
    warmup: Count = 0

    def at(self, n: int, total: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Exponential(Decay):
    """γⁿ, as torch.optim.lr_scheduler.ExponentialLR."""

    name = "exponential"
    gamma: PositiveShare = 0.9995
    per: Per = "update"
    warmup: Count = 0

    def at(self, n: int, total: int) -> float:
        return self.gamma**n


@dataclass(frozen=True)
class Linear(Decay):
    """1 − (1 − final) · n/N: from 1 straight to `final`. Not torch's LinearLR, whose defaults are a warm-up."""

    name = "linear"
    has_horizon = True
    final: Share = 0.0
    per: Per = "update"
    warmup: Count = 0

    def at(self, n: int, total: int) -> float:
        return 1 - (1 - self.final) * n / total


@dataclass(frozen=True)
class StepDecay(Decay):
    """γ^⌊n/every⌋, or γ^(how many of `milestones` are reached) where they are given."""

    name = "step"
    gamma: PositiveShare = 0.5
    every: AtLeastOne = 3
    milestones: tuple[AtLeastOne, ...] | None = None
    per: Per = "epoch"
    warmup: Count = 0

    def at(self, n: int, total: int) -> float:
        if self.milestones is not None:
            return self.gamma ** sum(n >= milestone for milestone in self.milestones)
        return self.gamma ** (n // self.every)


@dataclass(frozen=True)
class Cosine(Decay):
    """final + (1 − final) · (1 + cos(πn/N))/2: half a cosine from 1 to `final` (Loshchilov & Hutter 2017, no restarts)."""

    name = "cosine"
    has_horizon = True
    final: Share = 0.0
    per: Per = "update"
    warmup: Count = 0

    def at(self, n: int, total: int) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * n / total)) / 2


@lru_cache(maxsize=8)  # runs of a stack often share one; a long run's is large
def multipliers(decay: Decay, updates: int, updates_per_epoch: int) -> tuple[float, ...]:
    """The multiplier of each of a run's `updates` updates."""
    unit = updates_per_epoch if decay.per == "epoch" else 1
    rising = [(t + 1) / (decay.warmup + 1) for t in range(min(decay.warmup, updates))]
    after = updates - len(rising)
    return (*rising, *(decay.at(t // unit, math.ceil(after / unit)) for t in range(after)))


DECAYS: dict[str, type[Decay]] = {rule.name: rule for rule in (NoDecay, Exponential, Linear, StepDecay, Cosine)}
