"""The layers of a stack of K networks, each a forward formula and its gradient written out.

x is [K, B, inputs]; `backward` takes ∂L/∂y, writes its parameters' gradients where the optimizer reads them, and returns ∂L/∂x.
By hand rather than by autograd because autograd's bookkeeping and its fresh gradient tensors cost as much as half the matrix
products at this size (docs/performance.md); the tests hold every layer against autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Protocol

import torch
from torch import Tensor

from trainer.engine.matmul import multiplication
from trainer.engine.randomness import hashed, signed
from trainer.engine.workspace import ALIGNMENT, Workspace
from trainer.model import LayerSpec
from trainer.techniques.normalization import standardize, standardize_backward, track


class Layer(Protocol):
    """A layer keeps what `backward` needs from the last training `forward`."""

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        """y for x; `t` [1] is the update's number in training and None in evaluation."""
        ...

    def backward(self, dy: Tensor) -> Tensor: ...


class Linear:
    """y = xWᵀ + b, W [K, outputs, inputs] as in torch.nn.Linear, b [K, 1, outputs].

    Fewer than 16 inputs or outputs are stored and computed as 16, of which the rest stay zero: such narrow products would
    take twice the time, and have other last bits on two threads than on one.
    With `precision` bfloat16 each product is made and rounded in it; biases, parameters and updates stay float32.
    """

    def __init__(
        self,
        spec: LayerSpec,
        values: tuple[Tensor, Tensor],
        grads: tuple[Tensor, Tensor],
        workspace: Workspace,
        needs_dx: bool,
        precision: torch.dtype = torch.float32,
    ):
        """`values` and `grads`, weight and bias each, are as stored, zeros included."""
        self.name, self.inputs, self.outputs = spec.name, spec.inputs, spec.outputs
        self.weight, self.bias = values
        self.weight_grad, self.bias_grad = grads
        self.workspace, self.needs_dx, self.precision = workspace, needs_dx, precision
        self.buffers: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        self.given: tuple[Tensor | None, Tensor | None] = None, None  # the x and dy last prepared for
        self.into_y: list[Callable[[], object]] = []
        self.into_gradients: list[Callable[[], object]] = []

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        if x is not self.given[0]:
            self._prepare_forward(x)
        for make in self.into_y:
            make()
        return self.y

    def backward(self, dy: Tensor) -> Tensor:
        if dy is not self.given[1]:
            self._prepare_backward(dy)
        for make in self.into_gradients:
            make()
        return self.dx

    def _prepare_forward(self, x: Tensor) -> None:
        """All of `forward` but its arithmetic: done once, since the layer below mostly gives the same x filled anew."""
        self.x, copying = self._stored("x", x, self.weight.shape[2])
        stored, self.y = self._buffer("y", x.shape[1], self.weight.shape[1], self.outputs)
        self.into_y = [*copying, multiplication(self.x, self.weight.mT, stored, self.bias, self.precision)]
        self.given, self.into_gradients = (x, None), []

    def _prepare_backward(self, dy: Tensor) -> None:
        """The same for `backward`, with the last x."""
        stored_dy, copying = self._stored("dy", dy, self.weight.shape[1])
        weight_grad = multiplication(stored_dy.mT, self.x, self.weight_grad, precision=self.precision)
        bias_grad = partial(torch.sum, stored_dy, 1, keepdim=True, out=self.bias_grad)
        self.dx, self.into_gradients = stored_dy, [*copying, weight_grad, bias_grad]
        if self.needs_dx:
            stored, self.dx = self._buffer("dx", dy.shape[1], self.weight.shape[2], self.inputs)
            self.into_gradients.append(multiplication(stored_dy, self.weight, stored, precision=self.precision))
        self.given = self.given[0], dy

    def _stored(self, use: str, x: Tensor, width: int) -> tuple[Tensor, list[Callable[[], object]]]:
        """x with zeros up to `width`, its runs starting alike (see `Workspace`): at usual sizes x itself, else a copy,
        and what makes it."""
        if x.shape[2] == width and x.stride(0) % ALIGNMENT == 0:
            return x, []
        stored, without_zeros = self._buffer(use, x.shape[1], width, x.shape[2])
        return stored, [partial(without_zeros.copy_, x)]

    def _buffer(self, use: str, batch: int, width: int, without_zeros: int) -> tuple[Tensor, Tensor]:
        """Kept workspace, whole and without its zeros."""
        if (use, batch) not in self.buffers:
            stored = self.workspace((self.name, use), self.weight.shape[0], batch, width)
            self.buffers[use, batch] = stored, stored[..., :without_zeros]
        return self.buffers[use, batch]


class Standardize:
    """x̂, over the batch with running statistics [K, 1, inputs] for evaluation, or over the features without any."""

    def __init__(self, axis: int, eps: Tensor, statistics: tuple[Tensor, Tensor] | None, momentum: Tensor | None):
        """`eps` and `momentum` are [K, 1, 1]; `momentum` goes with the statistics."""
        self.axis, self.eps = axis, eps
        self.statistics, self.momentum = statistics, momentum

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        if self.statistics and t is None:
            mean, variance = self.statistics
            return (x - mean).mul_((variance + self.eps).rsqrt_())
        self.x_hat, mean, variance, self.inverse = standardize(x, self.axis, self.eps)
        if self.statistics and self.momentum is not None:
            track(*self.statistics, mean, variance, x.shape[1], self.momentum)
        return self.x_hat

    def backward(self, dy: Tensor) -> Tensor:
        return standardize_backward(dy, self.x_hat, self.inverse, self.axis)


class Affine:
    """y = γx + β, each [K, 1, inputs]."""

    def __init__(self, values: tuple[Tensor, Tensor], grads: tuple[Tensor, Tensor]):
        self.scale, self.shift = values
        self.scale_grad, self.shift_grad = grads

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        self.x = x
        return torch.addcmul(self.shift, x, self.scale)

    def backward(self, dy: Tensor) -> Tensor:
        torch.sum(dy * self.x, 1, keepdim=True, out=self.scale_grad)
        torch.sum(dy, 1, keepdim=True, out=self.shift_grad)
        return dy * self.scale


class Dropout:
    """x · mask/(1 − rate): each run has its own key and rate, each update its own mask."""

    def __init__(self, keys: list[int], rates: list[float], device: torch.device):
        def per_run(values: list[int] | list[float], dtype: torch.dtype) -> Tensor:
            return torch.tensor(values, dtype=dtype, device=device).view(-1, 1, 1)

        self.keys = per_run(keys, torch.int32)
        # P(32 random bits, read as a signed integer, < this) = rate
        self.threshold = per_run([int(rate * 2**32) - 2**31 for rate in rates], torch.int32)
        self.gain = per_run([1 / (1 - rate) for rate in rates], torch.float32)
        self.kept: dict[int, Tensor] = {}

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        if t is None:
            return x
        key = hashed(self.keys ^ (t.to(torch.int32) * signed(0x9E3779B9)))
        bits = hashed(self._positions(x) ^ key)
        self.mask = (bits >= self.threshold) * self.gain
        return x * self.mask

    def backward(self, dy: Tensor) -> Tensor:
        return dy.mul_(self.mask)

    def _positions(self, x: Tensor) -> Tensor:
        """Kept here too, since a CUDA graph may read it for as long as the layer lives."""
        if x.shape[1] not in self.kept:
            self.kept[x.shape[1]] = positions(x.shape[1], x.shape[2], x.device)
        return self.kept[x.shape[1]]


@lru_cache(maxsize=32)
def positions(batch: int, width: int, device: torch.device) -> Tensor:
    """The place of each element of a batch, scrambled so that masks of different keys share no pattern; [1, batch, width]."""
    return hashed(torch.arange(batch * width, dtype=torch.int32, device=device)).view(1, batch, width)
