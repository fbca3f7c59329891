"""All that changes while training. Saving it is checkpointing; everything else is a function of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from trainer.engine.network import Layout, initial_parameters, initial_statistics
from trainer.experiment import Experiment


@dataclass
class State:
    """The state of a stack of K runs, a row a run, between two updates.

    theta [K, P] parameters · slots, each [K, P] · statistics [K, R] running means and variances · loss, correct, clipped [K, 1]
    sums since the last record · best, waited [K, 1], what early stopping remembers (`stopping.judge`) · step, the updates made ·
    samples and updates since the last record · seconds of training · ring [K, D, P], the last D gradients where they are applied
    late (`delays.Ring`), else None.
    """

    theta: Tensor
    slots: tuple[Tensor, ...]
    statistics: Tensor
    loss: Tensor
    correct: Tensor
    clipped: Tensor
    best: Tensor
    waited: Tensor
    step: int = 0
    samples: int = 0
    updates: int = 0
    seconds: float = 0.0
    ring: Tensor | None = None

    def _each(self, change: Callable[[Tensor], Tensor]) -> State:
        """The same with every tensor changed."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)}
        changed: dict[str, Any] = {name: change(tensor) for name, tensor in tensors.items()}
        return replace(self, **changed, slots=tuple(change(slot) for slot in self.slots))

    def rows(self, indices: Sequence[int]) -> State:
        """A copy with the runs at `indices` alone."""
        index = torch.tensor(list(indices), dtype=torch.int64, device=self.theta.device)
        return self._each(lambda tensor: tensor.index_select(0, index))

    def part(self, rows: slice) -> State:
        """Some of the runs, sharing memory; its counts are of the moment."""
        return self._each(lambda tensor: tensor[rows])

    def copy(self) -> State:
        """The same state in memory of its own."""
        return self.rows(range(self.theta.shape[0]))

    def to(self, device: torch.device | str) -> State:
        """The state on another device (itself where it is there already)."""
        return self._each(lambda tensor: tensor.to(device))

    def count(self, updates: int, samples: int) -> None:
        """So many updates were made, on so many samples of each run."""
        self.step += updates
        self.updates += updates
        self.samples += samples

    def clear_tallies(self) -> None:
        """Begin to count anew, after a record."""
        for tally in (self.loss, self.correct, self.clipped):
            tally.zero_()
        self.samples = self.updates = 0


def initial_state(experiments: Sequence[Experiment], layout: Layout) -> State:
    """The state before the first update, on the CPU; row k is a function of experiment k alone."""
    theta = torch.stack([initial_parameters(layout, e.model, e.seed) for e in experiments])
    slots = tuple(torch.zeros_like(theta) for _ in experiments[0].optimizer.slots)
    statistics = initial_statistics(layout).expand(len(experiments), -1).contiguous()
    loss, correct, clipped, waited = (torch.zeros(len(experiments), 1) for _ in range(4))
    best = torch.full_like(waited, -torch.inf)
    kept = experiments[0].staleness.kept
    ring = torch.zeros(len(experiments), kept, layout.width) if kept else None
    return State(theta, slots, statistics, loss, correct, clipped, best, waited, ring=ring)


def join(states: Sequence[State]) -> State:
    """Stacks of one structure, after the same number of updates, as one."""
    first = states[0]
    joined: dict[str, Any] = {
        f.name: torch.cat([getattr(s, f.name) for s in states])
        for f in fields(first)
        if isinstance(getattr(first, f.name), Tensor)
    }
    slots = tuple(torch.cat(rows) for rows in zip(*(s.slots for s in states), strict=True))
    return replace(first, **joined, slots=slots)
