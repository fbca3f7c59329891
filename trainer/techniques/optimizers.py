"""Update rules, from the simplest to the most involved: θ parameters, g gradient, η learning rate, t the update's number.

A rule is a frozen dataclass: its fields are the numbers (floats for one run, tensors [K, 1] for a stack of K runs), its method
is the formula, in place on rows of parameters [K, P]. Slots (velocities, mean squares) start at 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from trainer.techniques.numbers import Epsilon, Fraction, NotNegative, Positive, column

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Optimizer(ABC):
    """An update rule.

    λ (`weight_decay`) is added to the gradient as λθ (L2) by the step, before the rule sees it; 0 for none.
    `update(theta, g, lr, t, *slots)` changes θ and the slots in place: θ, g and slots are [K, P], lr is [K, 1] (η times the
    decay's multiplier), t is [1], 0 at the first update. g may be used up as scratch.
    """

    lr: Positive
    weight_decay: NotNegative = 0.0
    name: ClassVar[str]
    slots: ClassVar[tuple[str, ...]] = ()
    decoupled: ClassVar[bool] = False  # weight decay shrinks θ itself instead of being added to g

    @abstractmethod
    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, *slots: Any, **_: Any) -> None:
        """The formula. `*slots: Any, **_: Any` is how Python's typing rules write 'and whatever a rule names': v, or m and s."""


@dataclass(frozen=True)
class Sgd(Optimizer):
    """θ ← θ − ηg, g over a minibatch (Robbins & Monro 1951)."""

    name = "sgd"
    lr: Positive = 0.2

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor) -> None:
        descend(theta, g, lr)


@dataclass(frozen=True)
class BatchGd(Optimizer):
    """θ ← θ − ηg, g over the whole training set: one update per epoch (Cauchy 1847)."""

    name = "batch_gd"
    lr: Positive = 0.5

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor) -> None:
        descend(theta, g, lr)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v ← βv + (1−β)g; θ ← θ − ηv: an exponential moving average of gradients, started at 0.

    torch.optim.SGD(momentum=β, dampening=β) is the same but for its first v, which is g itself.
    """

    name = "momentum"
    slots = ("velocity",)
    lr: Positive = 0.5
    beta: Fraction = 0.9

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, v: Tensor) -> None:
        beta = column(self.beta)
        v.mul_(beta).addcmul_(g, 1 - beta)
        descend(theta, v, lr)


@dataclass(frozen=True)
class HeavyBall(Optimizer):
    """v ← βv + g; θ ← θ − ηv (Polyak 1964), as torch.optim.SGD(momentum=β). Its steady step is 1/(1−β) times `momentum`'s."""

    name = "heavy_ball"
    slots = ("velocity",)
    lr: Positive = 0.05
    beta: Fraction = 0.9

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, v: Tensor) -> None:
        v.mul_(self.beta).add_(g)
        descend(theta, v, lr)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """v ← βv + g; θ ← θ − η(g + βv) (Nesterov 1983, in the form of Sutskever et al. 2013)."""

    name = "nesterov"
    slots = ("velocity",)
    lr: Positive = 0.05
    beta: Fraction = 0.9

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, v: Tensor) -> None:
        v.mul_(self.beta).add_(g)
        descend(theta, g.addcmul_(v, column(self.beta)), lr)


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """s ← s + g²; θ ← θ − ηg/(√s + ε) (Duchi et al. 2011)."""

    name = "adagrad"
    slots = ("square_sum",)
    lr: Positive = 0.03
    eps: Epsilon = 1e-10

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, s: Tensor) -> None:
        s.addcmul_(g, g)
        descend(theta, g.div_(s.sqrt().add_(self.eps)), lr)


@dataclass(frozen=True)
class Rmsprop(Optimizer):
    """s ← αs + (1−α)g²; θ ← θ − ηg/(√s + ε) (Tieleman & Hinton 2012)."""

    name = "rmsprop"
    slots = ("square_mean",)
    lr: Positive = 0.001
    alpha: Fraction = 0.99
    eps: Epsilon = 1e-8

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, s: Tensor) -> None:
        alpha = column(self.alpha)
        s.mul_(alpha).addcmul_(g.square(), 1 - alpha)
        descend(theta, g.div_(s.sqrt().add_(self.eps)), lr)


@dataclass(frozen=True)
class Adam(Optimizer):
    """m ← β₁m + (1−β₁)g; s ← β₂s + (1−β₂)g²; θ ← θ − η m̂/(√ŝ + ε) (Kingma & Ba 2015).

    m̂ = m/(1 − β₁^(t+1)) and ŝ = s/(1 − β₂^(t+1)) make up for m and s having started at 0.
    """

    name = "adam"
    slots = ("mean", "square_mean")
    lr: Positive = 0.001
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Epsilon = 1e-8

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, m: Tensor, s: Tensor) -> None:
        adam_step(self, theta, g, lr, t, m, s)


@dataclass(frozen=True)
class Adamw(Optimizer):
    """Adam's step, and beside it θ ← θ − ηλθ: weight decay that is no part of the gradient (Loshchilov & Hutter 2019)."""

    name = "adamw"
    slots = ("mean", "square_mean")
    decoupled = True
    lr: Positive = 0.001
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Epsilon = 1e-8
    weight_decay: NotNegative = 0.01

    def update(self, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, m: Tensor, s: Tensor) -> None:
        adam_step(self, theta, g, lr, t, m, s)


def descend(theta: Tensor, direction: Tensor, lr: Tensor) -> None:
    """θ ← θ − η · direction, in place."""
    theta.addcmul_(direction, lr, value=-1)


def adam_step(rule: Adam | Adamw, theta: Tensor, g: Tensor, lr: Tensor, t: Tensor, m: Tensor, s: Tensor) -> None:
    """Adam's update, shared by `adam` and `adamw`."""
    beta1, beta2 = column(rule.beta1), column(rule.beta2)
    m.mul_(beta1).addcmul_(g, 1 - beta1)
    s.mul_(beta2).addcmul_(g.square(), 1 - beta2)
    root = s.sqrt().div_(unbias(beta2, t).sqrt()).add_(rule.eps)
    descend(theta, m.div(root), lr / unbias(beta1, t))


def unbias(beta: Tensor, t: Tensor) -> Tensor:
    """1 − β^(t+1), written so that float32 keeps its digits when β is near 1 (β = 0: exactly 1)."""
    return -((beta - 1).log1p() * (t + 1)).expm1()


OPTIMIZERS: dict[str, type[Optimizer]] = {
    rule.name: rule for rule in (Sgd, BatchGd, Momentum, HeavyBall, Nesterov, Adagrad, Rmsprop, Adam, Adamw)
}
