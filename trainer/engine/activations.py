"""Activations with their gradients, layers in the sense of `layers.Layer`; they change x or ∂L/∂y in place where they may."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainer.engine.layers import Layer


class Relu:
    """max(x, 0)."""

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        self.y = x.relu_()
        return self.y

    def backward(self, dy: Tensor) -> Tensor:
        torch.ops.aten.threshold_backward.grad_input(dy, self.y, 0, grad_input=dy)
        return dy


class Tanh:
    """tanh x."""

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        self.y = x.tanh_()
        return self.y

    def backward(self, dy: Tensor) -> Tensor:
        return dy.mul_(1 - self.y.square())


class Sigmoid:
    """1/(1 + e⁻ˣ), computed as (1 + tanh(x/2))/2: torch's own has other last bits at a tensor's ragged end."""

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        self.y = x.mul_(0.5).tanh_().add_(1).mul_(0.5)
        return self.y

    def backward(self, dy: Tensor) -> Tensor:
        return dy.mul_(self.y * (1 - self.y))


class Gelu:
    """x · Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016), by erf for the same reason as in Sigmoid."""

    def forward(self, x: Tensor, t: Tensor | None) -> Tensor:
        self.x = x
        self.phi = (x * math.sqrt(0.5)).erf_().add_(1).mul_(0.5)
        return x * self.phi

    def backward(self, dy: Tensor) -> Tensor:
        density = self.x.square().mul_(-0.5).exp_().mul_(1 / math.sqrt(2 * math.pi))
        return dy.mul_(density.mul_(self.x).add_(self.phi))


ACTIVATIONS: dict[str, type[Layer]] = {"relu": Relu, "tanh": Tanh, "sigmoid": Sigmoid, "gelu": Gelu}
