"""Early stopping: when a run ends before its last epoch, judged on validation images at the end of each epoch.

The network that is kept and tested is that of the last epoch trained; best.pt holds the best one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from trainer.techniques.numbers import AtLeastOne, NotNegative, PositiveShare

Metric = Literal["valid/accuracy", "valid/loss"]


class Stop(ABC):
    """A rule that is told a score each epoch, higher is better: the metric, or minus it for a loss.

    What it remembers is two numbers: the best score so far (−∞ at first), and for how many epochs it has not been beaten.
    """

    name: ClassVar[str]
    metric: Metric
    delta: NotNegative

    def aimed_at(self, target: float | None) -> Stop:
        """The rule in an experiment with this `target`."""
        return self

    def is_better(self, score: float, best: float) -> bool:
        """Whether a score beats the best so far, by more than `delta`."""
        return score - self.delta > best

    @abstractmethod
    def is_over(self, best: float, waited: float) -> bool:
        """Whether training ends, `waited` epochs after the best score."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why it ended, in words."""


@dataclass(frozen=True)
class NoStop(Stop):
    """Training goes on for all epochs."""

    name = "none"
    metric = "valid/accuracy"
    delta = 0.0
    reason = ""

    def is_over(self, best: float, waited: float) -> bool:
        return False


@dataclass(frozen=True)
class Patience(Stop):
    """Ends after epoch n if n − m = `epochs`, m being the last epoch that beat the best before it by more than `delta`.

    The rule of EarlyStopping in Keras and Lightning with `epochs` as patience and `delta` as min_delta.
    """

    name = "patience"
    epochs: AtLeastOne = 5
    metric: Metric = "valid/accuracy"
    delta: NotNegative = 0.0

    def is_over(self, best: float, waited: float) -> bool:
        return waited >= self.epochs

    @property
    def reason(self) -> str:
        return f"no better {self.metric} for {self.epochs} epoch{'s' * (self.epochs != 1)}"


@dataclass(frozen=True)
class Target(Stop):
    """Ends after the first epoch whose valid/accuracy is at least `accuracy`; left out, that is `target`, or else 0.97."""

    name = "target"
    metric = "valid/accuracy"
    delta = 0.0
    accuracy: PositiveShare | None = None

    def aimed_at(self, target: float | None) -> Target:
        return replace(self, accuracy=self.accuracy or target or 0.97)

    def is_over(self, best: float, waited: float) -> bool:
        return self.accuracy is not None and best >= self.accuracy

    @property
    def reason(self) -> str:
        return f"valid/accuracy reached {100 * (self.accuracy or 0):g} %"


STOPS: dict[str, type[Stop]] = {rule.name: rule for rule in (NoStop, Patience, Target)}
