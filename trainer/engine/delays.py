"""Gradients that are applied late: by how many updates, and the ring in which they wait."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.engine.randomness import draws
from trainer.experiment import Experiment


def delays(e: Experiment, updates: int) -> Tensor:
    """τ of each of a run's updates, [T] int64: a function of (seed, update) alone."""
    return e.staleness.delays(draws(e.seed, "staleness", updates)).long()


class Ring:
    """The last D gradients of K runs, that of update t in place t mod D; zeros at first, for those that never were."""

    def __init__(self, gradients: Tensor):
        """`gradients` [K, D, P] are part of the state, and changed in place."""
        runs, self.size, width = gradients.shape
        self.rows = gradients.view(runs * self.size, width)
        self.first = torch.arange(runs, device=gradients.device) * self.size

    def exchange(self, g: Tensor, t: Tensor, tau: Tensor) -> None:
        """Put the gradients of update t [1] in, and into g [K, P] those of τ [K] updates before, each τ below D."""
        self.rows.index_copy_(0, self.first + t % self.size, g)
        torch.index_select(self.rows, 0, self.first + (t - tau) % self.size, out=g)
