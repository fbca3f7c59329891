"""Normalization: which axis is standardized, where in the layer, and the formulas with their gradients.

x̂ = (x − μ)/√(σ² + ε), with μ and the biased σ² over the batch (Ioffe & Szegedy 2015) or over the features (Ba et al. 2016),
then γx̂ + β. In evaluation, batch normalization takes running statistics instead.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from trainer.techniques.numbers import Epsilon, Share

if TYPE_CHECKING:
    from torch import Tensor


class Normalization(ABC):
    """What a hidden layer does beside Linear and activation."""

    name: ClassVar[str]
    axis: ClassVar[int | None] = None  # of x [K, B, features]: −2 the batch, −1 the features, None nothing
    eps: Epsilon
    momentum: Share
    before_linear: ClassVar[bool] = False  # standardize the layer's input instead of the Linear's output

    @property
    def over_batch(self) -> bool:
        """Whether μ and σ² are those of the batch, so that evaluation needs running statistics."""
        return self.axis == -2


@dataclass(frozen=True)
class NoNormalization(Normalization):
    """Linear → activation."""

    name = "none"


@dataclass(frozen=True)
class Batch(Normalization):
    """Linear → BatchNorm → activation (Ioffe & Szegedy 2015, §3.2), μ and σ² of each feature over the batch; numbers as
    torch.nn.BatchNorm1d. Evaluation takes running means of them."""

    name = "batch"
    axis = -2
    eps: Epsilon = 1e-5
    momentum: Share = 0.1


@dataclass(frozen=True)
class BatchArticle(Normalization):
    """The article's order: the layer's input z is standardized without scale or shift, then γ(Wẑ + b) + β → activation."""

    name = "batch_article"
    axis = -2
    before_linear = True
    eps: Epsilon = 1e-5
    momentum: Share = 0.1


@dataclass(frozen=True)
class LayerNorm(Normalization):
    """Linear → LayerNorm → activation (Ba et al. 2016), μ and σ² of each image over its features, as torch.nn.LayerNorm."""

    name = "layer"
    axis = -1
    eps: Epsilon = 1e-5


def standardize(x: Tensor, axis: int, eps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x̂ with μ, the biased σ² and 1/√(σ² + ε), for x [K, B, features] and eps [K, 1, 1]."""
    mean = x.mean(axis, keepdim=True)
    centred = x - mean
    variance = centred.square().mean(axis, keepdim=True)
    inverse = (variance + eps).rsqrt_()
    return centred.mul_(inverse), mean, variance, inverse


def standardize_backward(dy: Tensor, x_hat: Tensor, inverse: Tensor, axis: int) -> Tensor:
    """∂L/∂x from ∂L/∂x̂: (dy − mean(dy) − x̂ · mean(dy · x̂)) / √(σ² + ε)."""
    projection = x_hat * (dy * x_hat).mean(axis, keepdim=True)
    return (dy - dy.mean(axis, keepdim=True)).sub_(projection).mul_(inverse)


def track(running_mean: Tensor, running_var: Tensor, mean: Tensor, variance: Tensor, n: int, momentum: Tensor) -> None:
    """Move the running statistics [K, 1, features] towards those of a batch of n (unbiased variance), in place."""
    running_mean.add_((mean - running_mean).mul_(momentum))
    running_var.add_((variance * (n / max(n - 1, 1)) - running_var).mul_(momentum))


NORMALIZATIONS: dict[str, type[Normalization]] = {
    rule.name: rule for rule in (NoNormalization, Batch, BatchArticle, LayerNorm)
}
