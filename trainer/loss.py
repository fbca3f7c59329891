"""Softmax cross-entropy of a stack: its gradient at every update, losses and hits of several updates together."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.feed import Update, together
from trainer.memory import Memory


class CrossEntropy:
    """The gradient of K runs' mean losses; their losses and hits are added to tallies when many wait, or at `settle`.

    Nothing in training waits for a tally, and counting would be a third of an update's small operations. When it is done
    changes no bit: the sum of each update has a tree of its own, and these sums are added one after the other.
    """

    def __init__(self, loss: Tensor, correct: Tensor, memory: Memory):
        """`loss` and `correct`, [K, 1], are the tallies."""
        self.loss, self.correct, self.memory = loss, correct, memory
        self.rooms: dict[int, Tensor] = {}
        self.targets: list[Tensor] = []
        self.batch = 0

    def gradient(self, logits: Tensor, given: Update) -> Tensor:
        """∂(mean loss)/∂logits for logits [K, B, classes], in memory kept for the next update."""
        batch = logits.shape[1]
        if batch != self.batch or len(self.targets) == len(self.slots):
            self.settle()
            self._make_room(batch, logits.mT)
        z = self.slots[len(self.targets)].copy_(logits.mT)  # [K, classes, B]: sums over few neighbours would be slow
        self.targets.append(given.target)
        # not softmax minus one: it has other last bits with other threads
        log_p = torch.log_softmax(z, 1, out=self.log_p)
        return torch._log_softmax_backward_data(given.dlog_p, log_p, 1, z.dtype, out=self.dz).mT

    def _make_room(self, batch: int, z: Tensor) -> None:
        if batch not in self.rooms:
            self.rooms[batch] = z.new_empty(together(len(z), batch), *z.shape)
        self.batch, self.waiting = batch, self.rooms[batch]
        self.slots = self.waiting.unbind()
        self.log_p, self.dz = (self.memory(name, 1, *z.shape)[0] for name in ("log p", "dz"))

    def settle(self) -> None:
        """Add what waits to the tallies."""
        if not self.targets:
            return
        losses, hits = losses_and_hits(self.waiting[: len(self.targets)], torch.stack(self.targets))
        for loss in losses:
            self.loss += loss
        self.correct += hits.sum(0)
        self.targets.clear()


def losses_and_hits(z: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """For logits [..., classes, B] and target [..., 1, B]: the cross-entropies' sum and the number of hits, [..., 1]."""
    losses = torch.log_softmax(z, -2).gather(-2, target).squeeze(-2)
    return row_sum(losses).neg_(), (z.max(-2, keepdim=True).indices == target).sum(-1)


def row_sum(rows: Tensor) -> Tensor:
    """The sum of each row of [..., n] as [..., 1], in blocks where a row is long: see `clipping.row_norm`."""
    if rows.shape[-1] > 4096:
        rows = torch.nn.functional.pad(rows, (0, -rows.shape[-1] % 256)).unflatten(-1, (-1, 256)).sum(-1)
    return rows.sum(-1, keepdim=True)
