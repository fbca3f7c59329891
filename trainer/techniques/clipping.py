"""Clipping rules, from the simplest to the most involved: on the gradient before the update, on the parameters after it.

A rule is a frozen dataclass: its fields are the numbers (floats for one run, tensors [K, 1] for a stack of K runs), its methods
are the formulas, in place on rows [K, P]. ‖·‖ is one L2 norm over all parameters of a run as one vector. `parameters` are the
same memory seen tensor by tensor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from trainer.techniques.numbers import Positive, column

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Parameter:
    """One tensor of K networks with its gradient, [K, out, in] (biases [K, 1, out]): views into the rows of θ and of g."""

    value: Tensor
    grad: Tensor
    is_weight: bool
    is_output: bool


class Clip(ABC):
    """A clipping rule; its kind says on what it acts, and one may be of both kinds."""

    name: ClassVar[str]


class GradientClip(Clip):
    """Acts on g before the update."""

    @abstractmethod
    def clip_gradient(self, g: Tensor, norm: Tensor, parameters: Sequence[Parameter]) -> Tensor:
        """Change g [K, P] in place, given ‖g‖ as `norm` [K, 1]; returns which runs were clipped, bool [K, 1]."""


class WeightClip(Clip):
    """Acts on θ after the update; running statistics are no parameters and stay as they are."""

    @abstractmethod
    def clip_weights(self, theta: Tensor, parameters: Sequence[Parameter]) -> None:
        """Change θ [K, P] in place."""


@dataclass(frozen=True)
class NoClip(Clip):
    """Nothing is clipped."""

    name = "none"


@dataclass(frozen=True)
class Grad(GradientClip):
    """g ← g · min(1, c/‖g‖) (Pascanu et al. 2013); 1e-6 is added to ‖g‖ as torch.nn.utils.clip_grad_norm_ does."""

    name = "grad"
    threshold: Positive = 1.0

    def clip_gradient(self, g: Tensor, norm: Tensor, parameters: Sequence[Parameter]) -> Tensor:
        return clip_by_norm(g, norm, column(self.threshold))


@dataclass(frozen=True)
class GradValue(GradientClip):
    """g ← clamp(g, −c, c), element by element, as torch.nn.utils.clip_grad_value_ does."""

    name = "grad_value"
    threshold: Positive = 0.01

    def clip_gradient(self, g: Tensor, norm: Tensor, parameters: Sequence[Parameter]) -> Tensor:
        return clamp_elements(g, column(self.threshold))


@dataclass(frozen=True)
class GradArticle(GradientClip):
    """g ← clamp(g, −c/‖g‖, c/‖g‖), element by element: the article's literal formula."""

    name = "grad_article"
    threshold: Positive = 0.01

    def clip_gradient(self, g: Tensor, norm: Tensor, parameters: Sequence[Parameter]) -> Tensor:
        return clamp_elements(g, self.threshold / norm)


@dataclass(frozen=True)
class Agc(GradientClip):
    """Adaptive clipping (NFNets, Brock et al. 2021): G ← G · min(1, c·max(‖W‖, 1e-3)/‖G‖) for each unit's incoming vector W.

    As in the paper the output layer is left alone, and a vector of biases (or of a normalization) counts as one unit.
    """

    name = "agc"
    threshold: Positive = 0.01

    def clip_gradient(self, g: Tensor, norm: Tensor, parameters: Sequence[Parameter]) -> Tensor:
        clipped = norm < 0  # nobody yet
        for p in parameters:
            if p.is_output:
                continue
            allowed = p.value.norm(dim=-1, keepdim=True).clamp_(min=1e-3) * column(self.threshold).unsqueeze(-1)
            shrink = (allowed / p.grad.norm(dim=-1, keepdim=True)).clamp_(max=1)
            p.grad.mul_(shrink)
            clipped = clipped | (shrink < 1).flatten(1).any(1, keepdim=True)
        return clipped


@dataclass(frozen=True)
class Weight(WeightClip):
    """θ ← clamp(θ, −c, c) for weights and biases, after each update (Arjovsky et al. 2017)."""

    name = "weight"
    threshold: Positive = 0.1

    def clip_weights(self, theta: Tensor, parameters: Sequence[Parameter]) -> None:
        theta.clamp_(-self.threshold, self.threshold)


@dataclass(frozen=True)
class WeightNorm(WeightClip):
    """w ← w · min(1, c/‖w‖) for each unit's incoming weights w, biases untouched: max-norm (Srivastava et al. 2014)."""

    name = "weight_norm"
    threshold: Positive = 2.0

    def clip_weights(self, theta: Tensor, parameters: Sequence[Parameter]) -> None:
        for p in parameters:
            if p.is_weight:
                length = p.value.norm(dim=-1, keepdim=True)
                p.value.mul_((column(self.threshold).unsqueeze(-1) / length).clamp_(max=1))


@dataclass(frozen=True)
class WeightArticle(WeightClip):
    """w ← clamp(w, −c/‖w‖, c/‖w‖), w all parameters as one vector: the article's literal formula."""

    name = "weight_article"
    threshold: Positive = 1.0

    def clip_weights(self, theta: Tensor, parameters: Sequence[Parameter]) -> None:
        bound = self.threshold / row_norm(theta)
        theta.clamp_(-bound, bound)


@dataclass(frozen=True)
class GradWeight(GradientClip, WeightClip):
    """`grad` before the update, with c = grad_threshold; `weight` after it, with c = weight_threshold."""

    name = "grad_weight"
    grad_threshold: Positive = 1.0
    weight_threshold: Positive = 0.1

    def clip_gradient(self, g: Tensor, norm: Tensor, parameters: Sequence[Parameter]) -> Tensor:
        return clip_by_norm(g, norm, column(self.grad_threshold))

    def clip_weights(self, theta: Tensor, parameters: Sequence[Parameter]) -> None:
        theta.clamp_(-self.weight_threshold, self.weight_threshold)


def clip_by_norm(g: Tensor, norm: Tensor, threshold: Tensor) -> Tensor:
    """Shorten g to `threshold` where it is longer, keeping its direction."""
    shrink = (threshold / (norm + 1e-6)).clamp_(max=1)
    g.mul_(shrink)
    return shrink < 1


def clamp_elements(g: Tensor, bound: Tensor) -> Tensor:
    """Clamp each element of g to ±bound; a run is clipped when any of its elements was."""
    clipped = row_norm(g, float("inf")) > bound
    g.clamp_(-bound, bound)
    return clipped


def row_norm(rows: Tensor, order: float = 2) -> Tensor:
    """The norm of each row of [K, P] as [K, 1], P a multiple of 256.

    Summed in blocks, so that its tree is the same for every K and every number of threads: a reduction of one whole row
    would be split among the threads, and the last bits with it.
    """
    blocks: Tensor = rows.unflatten(-1, (-1, 256)).norm(order, dim=-1)
    norm: Tensor = blocks.norm(order, dim=-1, keepdim=True)
    return norm


CLIPS: dict[str, type[Clip]] = {
    rule.name: rule
    for rule in (NoClip, Grad, GradValue, GradArticle, Agc, Weight, WeightNorm, WeightArticle, GradWeight)
}
