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
        self.work: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self.targets: list[Tensor] = []
        self.batch = 0

    def room(self, given: Update) -> Tensor:
        """Where the logits of the next update, [K, classes, B], will wait to be counted."""
        batch = given.target.shape[2]
        if batch != self.batch or len(self.targets) == len(self.slots):
            self.settle()
            self._make_room(batch, given.dlog_p)
        self.targets.append(given.target)
        return self.slots[len(self.targets) - 1]

    def _make_room(self, batch: int, z: Tensor) -> None:
        if batch not in self.rooms:
            self.rooms[batch] = z.new_empty(together(len(z), batch, z.device), *z.shape)
        self.batch, self.waiting = batch, self.rooms[batch]
        self.slots = self.waiting.unbind()

    def gradient(self, logits: Tensor, dlog_p: Tensor, z: Tensor) -> Tensor:
        """∂(mean loss)/∂logits for logits [K, B, classes], which go into z; in memory kept for the next update."""
        z.copy_(logits.mT)  # sums over few neighbours would be slow
        if z.shape[2] not in self.work:
            log_p, dz = (self.memory(name, 1, *z.shape)[0] for name in ("log p", "dz"))
            self.work[z.shape[2]] = log_p, dz, dz.mT
        log_p, dz, dlogits = self.work[z.shape[2]]
        torch.log_softmax(z, 1, out=log_p)  # not softmax minus one: it has other last bits with other threads
        torch._log_softmax_backward_data(dlog_p, log_p, 1, z.dtype, out=dz)
        return dlogits

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
