"""The numbers of a technique: the intervals they must lie in, and what they are inside a formula.

The one module that the others of this room import; like them it imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Interval:
    """The numbers that a field takes, with at most one bound on each side; as text it says what is allowed."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    def __contains__(self, x: float) -> bool:
        low = (self.above is None or x > self.above) and (self.at_least is None or x >= self.at_least)
        return low and (self.below is None or x < self.below) and (self.at_most is None or x <= self.at_most)

    def __str__(self) -> str:
        bounds = {"above": self.above, "of at least": self.at_least, "below": self.below, "at most": self.at_most}
        return " and ".join(f"{word} {bound}" for word, bound in bounds.items() if bound is not None)


Positive = Annotated[float, Interval(above=0)]
NotNegative = Annotated[float, Interval(at_least=0)]
Epsilon = Annotated[float, Interval(at_least=1e-30)]  # smaller ones would be 0 in float32
Fraction = Annotated[float, Interval(at_least=0, below=1)]
Share = Annotated[float, Interval(at_least=0, at_most=1)]
PositiveShare = Annotated[float, Interval(above=0, at_most=1)]
Count = Annotated[int, Interval(at_least=0)]
AtLeastOne = Annotated[int, Interval(at_least=1)]
Seed = Annotated[int, Interval(at_least=0, at_most=2**63 - 1)]


def column(number: float) -> Tensor:
    """A field as a formula finds it: a tensor [K, 1], one row per run.

    Fields are annotated as a user gives them, as floats; the engine replaces them by columns before any formula runs. A formula
    that only multiplies or divides may use the field as it is; this tells the type checker where it needs more.
    """
    return cast("Tensor", number)
