"""Memory that the steps of a stack work in."""

from __future__ import annotations

import math
from collections.abc import Hashable

import torch
from torch import Tensor

ALIGNMENT = 64  # floats; a run's slice starts at such a border, see `Workspace`


class Workspace:
    """Memory kept from step to step, by name and size: asking for it anew each time would cost page faults.

    The parts of a stack, which are trained one after the other, share it, and so it stays in the caches.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.kept: dict[tuple[Hashable, ...], Tensor] = {}

    def __call__(self, name: Hashable, runs: int, *shape: int) -> Tensor:
        """A [runs, *shape], of zeros at first, in which every run's slice starts at the same alignment.

        A matrix product chooses its kernel by the addresses it is given: without this a run would get other last bits in a
        stack than alone (seen with MKL where B · outputs is not a multiple of 16).
        """
        key = (name, runs, *shape)
        if key not in self.kept:
            size = math.prod(shape)
            rows = torch.zeros(runs, -(-size // ALIGNMENT) * ALIGNMENT, device=self.device)
            self.kept[key] = rows[:, :size].unflatten(1, shape)
        return self.kept[key]
