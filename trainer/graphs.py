"""An update as a CUDA graph: captured once, then started as a whole, without the host launching its operations one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trainer.feed import Update

WARM_UP = 3
"""Updates made operation by operation first: libraries set themselves up in them, which a capture forbids."""

Capture = Callable[[Callable[[], object]], Callable[[], object]]
"""Makes of a function one that does the same again, with the same memory."""


class Replayed:
    """An update that is captured for each size of batch, when it has been made some times."""

    def __init__(self, update: Callable[[Update, Tensor], object], capture: Capture):
        """`update(given, z)` fills z, launches work on the device alone and keeps all else in its own memory."""
        self.update, self.capture = update, capture
        self.made: Counter[int] = Counter()
        self.captured: dict[int, tuple[list[Tensor], Callable[[], object]]] = {}

    def __call__(self, given: Update, z: Tensor) -> None:
        batch = z.shape[-1]
        self.made[batch] += 1
        if self.made[batch] <= WARM_UP:
            self.update(given, z)
            return
        if batch not in self.captured:
            self.captured[batch] = self._captured(given, z)
        inputs, replay = self.captured[batch]
        for kept, new in zip(inputs, (x for x in given if x is not None), strict=False):
            kept.copy_(new)
        replay()
        z.copy_(inputs[-1])

    def _captured(self, given: Update, z: Tensor) -> tuple[list[Tensor], Callable[[], object]]:
        """The memory the graph reads from, z's that it fills at its end, and what starts it."""
        cloned: Any = (None if x is None else x.clone() for x in given)
        kept, own_z = Update(*cloned), torch.empty_like(z)
        replay = self.capture(lambda: self.update(kept, own_z))
        return [*(x for x in kept if x is not None), own_z], replay


def cuda_graph(function: Callable[[], object]) -> Callable[[], object]:
    """A `Capture` on the current CUDA device."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph.replay
