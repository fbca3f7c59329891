"""K networks of one structure as one: where each parameter lies in the rows of θ, its initial values, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.engine.activations import ACTIVATIONS
from trainer.engine.devices import FEW_ROWS
from trainer.engine.layers import Affine, Dropout, Layer, Linear, Standardize
from trainer.engine.randomness import generator, word
from trainer.engine.stack import Numbers
from trainer.engine.workspace import Workspace
from trainer.experiment import Experiment
from trainer.model import LayerSpec, Mlp, blueprint
from trainer.techniques.clipping import Parameter
from trainer.techniques.initialization import INITIALIZATIONS
from trainer.techniques.normalization import Normalization
from trainer.techniques.numbers import column

BLOCK = 256  # floats; parameters and layers start at a multiple: `clipping.row_norm` sums in such blocks


@dataclass(frozen=True)
class Segment:
    """Where one tensor of a run lies in its row, from `start`, and its size."""

    layer: str
    role: str  # weight, bias, scale, shift; mean, var for running statistics
    start: int
    rows: int
    columns: int

    def view(self, flat: Tensor) -> Tensor:
        """Its [K, rows, columns] in `flat` [K, P], sharing memory."""
        return self.stored(flat)[:, : self.rows, : self.columns]

    def stored(self, flat: Tensor) -> Tensor:
        """The same with the zeros that a narrow linear layer keeps beside it, see `layers.Linear`."""
        stored: Tensor = flat[:, self.start : self.start + math.prod(self.shape)].unflatten(1, self.shape)
        return stored

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns as they are stored."""
        rows = max(self.rows, FEW_ROWS) if self.role == "weight" else self.rows
        columns = max(self.columns, FEW_ROWS) if self.role in ("weight", "bias") else self.columns
        return rows, columns


class Layout:
    """Places of all parameters and running statistics of a network; `width` floats a row."""

    def __init__(self, specs: Sequence[LayerSpec], running_statistics: bool):
        self.specs = specs
        self.parameters: dict[tuple[str, str], Segment] = {}
        self.statistics: dict[tuple[str, str], Segment] = {}
        self.width = self.statistics_width = 0
        for spec in specs:
            if spec.kind in ("linear", "affine"):
                roles = ("weight", "bias") if spec.kind == "linear" else ("scale", "shift")
                self.width = self._append(self.parameters, spec, roles, self.width)
            elif spec.kind == "standardize" and running_statistics:
                self.statistics_width = self._append(self.statistics, spec, ("mean", "var"), self.statistics_width)

    @staticmethod
    def _append(segments: dict[tuple[str, str], Segment], spec: LayerSpec, roles: tuple[str, str], start: int) -> int:
        for role in roles:
            shape = (spec.outputs, spec.inputs) if role == "weight" else (1, spec.outputs)
            segment = segments[spec.name, role] = Segment(spec.name, role, start, *shape)
            start += -(-math.prod(segment.shape) // BLOCK) * BLOCK
        return start

    def gaps(self) -> Tensor:
        """The columns that belong to no parameter."""
        used = torch.zeros(1, self.width, dtype=torch.bool)
        for segment in self.parameters.values():
            segment.stored(used).fill_(True)
        return (~used[0]).nonzero().flatten()

    def layers(self) -> dict[str, slice]:
        """The columns of each layer that has parameters, for norms a layer."""
        starts: dict[str, int] = {}
        for segment in self.parameters.values():
            starts.setdefault(segment.layer, segment.start)
        ends = [*list(starts.values())[1:], self.width]
        return {name: slice(start, end) for (name, start), end in zip(starts.items(), ends, strict=True)}

    def count(self) -> int:
        """How many parameters one run has."""
        return sum(segment.rows * segment.columns for segment in self.parameters.values())


def layout_of(e: Experiment, features: int, classes: int) -> Layout:
    """Where the parameters of an experiment's network lie, for images of so many features."""
    specs = blueprint(e.model, e.normalization, e.dropout, features, classes)
    return Layout(specs, running_statistics=e.normalization.over_batch)


def initial_parameters(layout: Layout, model: Mlp, seed: int) -> Tensor:
    """θ of one run before its first update, [P] on the CPU: a function of (seed, layer) alone; γ = 1, β = 0."""
    theta = torch.zeros(1, layout.width)
    for spec in layout.specs:
        if spec.kind == "affine":
            layout.parameters[spec.name, "scale"].view(theta).fill_(1)
        elif spec.kind == "linear":
            stream = generator(seed, "init", spec.number)
            weight, bias = (layout.parameters[spec.name, role].view(theta) for role in ("weight", "bias"))
            INITIALIZATIONS[model.init](weight, bias, stream)
            weight.mul_(model.init_scale)
    return theta[0]


def initial_statistics(layout: Layout) -> Tensor:
    """Running means 0 and variances 1, one row [R]."""
    statistics = torch.zeros(1, layout.statistics_width)
    for (_, role), segment in layout.statistics.items():
        if role == "var":
            segment.view(statistics).fill_(1)
    return statistics[0]


class Network:
    """The stack's layers, bound to θ [K, P], g [K, P] and running statistics [K, R]."""

    def __init__(
        self,
        layout: Layout,
        experiments: Sequence[Experiment],
        numbers: Numbers,
        theta: Tensor,
        statistics: Tensor,
        workspace: Workspace,
    ):
        """`experiments` give seeds and rates, `numbers` the normalization with its tensors [K, 1]."""
        self.layout, self.theta, self.statistics, self.workspace = layout, theta, statistics, workspace
        self.g = workspace("g", len(experiments), layout.width)
        self.layers: list[Layer] = []
        self.parameters: list[Parameter] = []
        first = next(i for i, spec in enumerate(layout.specs) if spec.kind == "linear")
        for i, spec in enumerate(layout.specs):
            self.layers.append(self._build(spec, experiments, numbers, needs_dx=i > first))
        self.first = first  # nothing below the first Linear has a gradient to find

    def _build(self, spec: LayerSpec, experiments: Sequence[Experiment], numbers: Numbers, needs_dx: bool) -> Layer:
        if spec.kind == "linear":
            precision = torch.bfloat16 if experiments[0].precision == "bf16" else torch.float32
            values, grads = self._bind(spec, ("weight", "bias"))
            return Linear(spec, values, grads, self.workspace, needs_dx, precision)
        if spec.kind == "affine":
            return Affine(*self._bind(spec, ("scale", "shift")))
        if spec.kind == "standardize":
            return self._standardize(spec, numbers.normalization)
        if spec.kind == "dropout":
            keys = [word(e.seed, "dropout", spec.number) for e in experiments]
            rates = [e.dropout.rate if spec.number else e.dropout.input_rate for e in experiments]
            return Dropout(keys, rates, self.theta.device)
        return ACTIVATIONS[spec.name]()

    def _standardize(self, spec: LayerSpec, rule: Normalization) -> Standardize:
        assert rule.axis is not None  # else the blueprint has no such layer
        eps = column(rule.eps).unsqueeze(-1)
        if not rule.over_batch:
            return Standardize(rule.axis, eps, None, None)
        mean, variance = (self.layout.statistics[spec.name, role].view(self.statistics) for role in ("mean", "var"))
        return Standardize(rule.axis, eps, (mean, variance), column(rule.momentum).unsqueeze(-1))

    def _bind(self, spec: LayerSpec, roles: tuple[str, str]) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """A layer's parameters as views into θ and into g, as they are stored; the clips get to know them too."""
        first, second = (self.layout.parameters[spec.name, role] for role in roles)
        for segment in (first, second):
            value, grad = segment.view(self.theta), segment.view(self.g)
            self.parameters.append(Parameter(value, grad, segment.role == "weight", spec is self.layout.specs[-1]))
        return (first.stored(self.theta), second.stored(self.theta)), (first.stored(self.g), second.stored(self.g))

    def forward(self, x: Tensor, t: Tensor | None = None) -> Tensor:
        """Logits [K, B, classes] of x [K, B, features]; in training with the update's number t, else in evaluation."""
        for layer in self.layers:
            x = layer.forward(x, t)
        return x

    def backward(self, dy: Tensor) -> None:
        """Write the gradients of all parameters into g, from ∂L/∂logits of the last training forward."""
        for layer in reversed(self.layers[self.first :]):
            dy = layer.backward(dy)
