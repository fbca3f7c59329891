"""Staleness: the gradient that update t applies is that of update t − τ, as if τ others had been made while it was computed.

That is what asynchronous gradient descent does to a gradient (Dean et al. 2012, Niu et al. 2011), without a race: the same bits
every time. Before there is such a gradient, 0 is applied. Weight decay, clipping and the optimizer see the late gradient and the
parameters of now, as a parameter server does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from trainer.techniques.numbers import Interval

if TYPE_CHECKING:
    from torch import Tensor

Updates = Annotated[int, Interval(at_least=0, at_most=1000)]  # each is a copy of the gradient to keep


class Staleness(ABC):
    """How late gradients are applied: at most `updates` updates after the one that made them.

    With `scale_lr` an update's learning rate is divided by its τ where that is above 1 (Zhang et al. 2016).
    """

    name: ClassVar[str]
    updates: Updates
    scale_lr: bool

    @abstractmethod
    def delays(self, draws: Tensor) -> Tensor:
        """τ of each update [T], whole numbers as float64, from a draw in [0, 1) for each."""

    @property
    def kept(self) -> int:
        """How many gradients a run keeps: the newest and those before it that may still be applied; 0 where none waits."""
        return self.updates + 1 if self.updates else 0


@dataclass(frozen=True)
class NoStaleness(Staleness):
    """τ = 0."""

    name = "none"
    updates = 0
    scale_lr = False

    def delays(self, draws: Tensor) -> Tensor:
        return draws * 0


@dataclass(frozen=True)
class Fixed(Staleness):
    """τ = `updates`: the gradients of `updates` + 1 workers that take turns. Before there is such a gradient, 0 is applied."""

    name = "fixed"
    updates: Updates = 3
    scale_lr: bool = False

    def delays(self, draws: Tensor) -> Tensor:
        return draws * 0 + self.updates


@dataclass(frozen=True)
class Random(Staleness):
    """τ uniform on 0 … `updates`, drawn for each update: workers at a pace of their own (as in Dai et al. 2019).

    So a gradient may be applied more than once or never; each is applied once on average.
    """

    name = "random"
    updates: Updates = 3
    scale_lr: bool = False

    def delays(self, draws: Tensor) -> Tensor:
        return (draws * (self.updates + 1)).floor()


STALENESSES: dict[str, type[Staleness]] = {rule.name: rule for rule in (NoStaleness, Fixed, Random)}
