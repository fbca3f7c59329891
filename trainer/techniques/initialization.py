"""Initial weights and biases of a linear layer, W [K, out, in] and b [K, 1, out] filled in place from a stream of random numbers.

b is all zeros before and stays so where a formula does not speak of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Generator, Tensor

Word = Literal["default", "he", "xavier", "normal"]


def default(weight: Tensor, bias: Tensor, stream: Generator) -> None:
    """W and b uniform within ±1/√in, as torch.nn.Linear has them."""
    bound = 1 / math.sqrt(weight.shape[2])
    weight.uniform_(-bound, bound, generator=stream)
    bias.uniform_(-bound, bound, generator=stream)


def he(weight: Tensor, bias: Tensor, stream: Generator) -> None:
    """W normal with variance 2/in (He et al. 2015)."""
    weight.normal_(0, math.sqrt(2 / weight.shape[2]), generator=stream)


def xavier(weight: Tensor, bias: Tensor, stream: Generator) -> None:
    """W uniform within ±√(6/(in + out)) (Glorot & Bengio 2010)."""
    bound = math.sqrt(6 / (weight.shape[2] + weight.shape[1]))
    weight.uniform_(-bound, bound, generator=stream)


def normal(weight: Tensor, bias: Tensor, stream: Generator) -> None:
    """W normal with deviation 1."""
    weight.normal_(0, 1, generator=stream)


INITIALIZATIONS: dict[Word, Callable[[Tensor, Tensor, Generator], None]] = {
    "default": default,
    "he": he,
    "xavier": xavier,
    "normal": normal,
}
