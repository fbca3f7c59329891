"""An update as a CUDA graph: captured once, then started as a whole, without the host launching its operations one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trainer.engine.batches import Batch

WARM_UP = 3
"""Updates made operation by operation first: libraries set themselves up in them, which a capture forbids."""

Capture = Callable[[Callable[[], object], torch.device], Callable[[], object]]
"""Makes of a function one that does the same again, with the same memory."""


class Replayed:
    """An update that is captured for each size of batch, when it has been made some times."""

    def __init__(self, capture: Capture):
        self.capture = capture
        self.made: Counter[int] = Counter()
        self.captured: dict[int, tuple[list[Tensor], Callable[[], object]]] = {}

    def __call__(self, update: Callable[[Batch, Tensor], object], batch: Batch, z: Tensor) -> None:
        """`update(batch, z)`, always the same, fills z, works on the device alone and keeps all else in its own memory.

        It is not kept: it belongs to the step that keeps this, and such a circle would hold their memory for a while.
        """
        size = z.shape[-1]
        self.made[size] += 1
        if self.made[size] <= WARM_UP:
            update(batch, z)
            return
        if size not in self.captured:
            self.captured[size] = self._captured(update, batch, z)
        inputs, replay = self.captured[size]
        for kept, new in zip(inputs, (x for x in batch if x is not None), strict=False):
            kept.copy_(new)
        replay()
        z.copy_(inputs[-1])

    def _captured(
        self, update: Callable[[Batch, Tensor], object], batch: Batch, z: Tensor
    ) -> tuple[list[Tensor], Callable[[], object]]:
        """The memory the graph reads from, z's that it fills at its end, and what starts it."""
        cloned: Any = (None if x is None else x.clone() for x in batch)
        kept, own_z = Batch(*cloned), torch.empty_like(z)
        replay = self.capture(lambda: update(kept, own_z), z.device)
        return [*(x for x in kept if x is not None), own_z], replay


def cuda_graph(function: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """A `Capture` on a CUDA device."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device), torch.cuda.graph(graph, stream=torch.cuda.Stream(device)):
        function()
    return graph.replay
