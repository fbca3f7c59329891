"""Softmax cross-entropy of a stack: its gradient at every update, losses and correct answers of several updates together."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainer.engine.batches import Batch, together
from trainer.engine.workspace import Workspace


class Buffer(NamedTuple):
    """Room for the logits of several updates, [n, K, classes, B], the same update by update, and room for one gradient."""

    whole: Tensor
    each: tuple[Tensor, ...]
    log_p: Tensor
    dz: Tensor
    dlogits: Tensor  # dz as [K, B, classes]


class CrossEntropy:
    """The gradient of K runs' mean losses, and the sums of their losses and correct answers.

    Nothing in training waits for the sums, and one update's would be a third of its small operations. So logits and labels are
    kept and counted for several updates together, when a buffer is full or at `flush`. When that is changes no bit: each
    update's sum has its own tree, and these sums are added one after the other.
    """

    def __init__(self, loss: Tensor, correct: Tensor, workspace: Workspace):
        """`loss` and `correct`, [K, 1], are the sums that are added to."""
        self.loss, self.correct, self.workspace = loss, correct, workspace
        self.buffers: dict[int, Buffer] = {}  # by batch size
        self.filling: Buffer | None = None
        self.targets: list[Tensor] = []  # labels of the updates whose logits are in the buffer being filled

    def buffer(self, batch: Batch) -> Tensor:
        """Where the logits of the next update, [K, classes, B], wait to be counted."""
        buffer = self._buffer_for(batch.dlog_p)
        if self.filling is not buffer or len(self.targets) == len(buffer.each):
            self.flush()
            self.filling = buffer
        self.targets.append(batch.target)
        return buffer.each[len(self.targets) - 1]

    def _buffer_for(self, z: Tensor) -> Buffer:
        size = z.shape[2]
        if size not in self.buffers:
            whole = z.new_empty(together(len(z), size, z.device), *z.shape)
            log_p, dz = (self.workspace(name, 1, *z.shape)[0] for name in ("log p", "dz"))
            self.buffers[size] = Buffer(whole, whole.unbind(), log_p, dz, dz.mT)
        return self.buffers[size]

    def gradient(self, logits: Tensor, dlog_p: Tensor, z: Tensor) -> Tensor:
        """∂(mean loss)/∂logits for logits [K, B, classes], which go into z [K, classes, B]; overwritten by the next update."""
        _, _, log_p, dz, dlogits = self._buffer_for(z)
        z.copy_(logits.mT)  # sums over few neighbours would be slow
        torch.log_softmax(z, 1, out=log_p)  # not softmax minus one: it has other last bits with other threads
        torch._log_softmax_backward_data(dlog_p, log_p, 1, z.dtype, out=dz)
        return dlogits

    def flush(self) -> None:
        """Count what waits."""
        if self.filling is None or not self.targets:
            return
        z, target = self.filling.whole[: len(self.targets)], torch.stack(self.targets)
        for loss in losses(z, target):
            self.loss += loss
        self.correct += hits(z, target).sum(-1, keepdim=True).sum(0)
        self.targets.clear()


def losses(z: Tensor, target: Tensor) -> Tensor:
    """The sum of cross-entropies, [..., 1], for logits [..., classes, B] and target [..., 1, B]."""
    return row_sum(torch.log_softmax(z, -2).gather(-2, target).squeeze(-2)).neg_()


def hits(z: Tensor, target: Tensor) -> Tensor:
    """Which answers are right, bool [..., B], for logits [..., classes, B] and target [..., 1, B]."""
    return z.max(-2).indices == target.squeeze(-2)


def row_sum(rows: Tensor) -> Tensor:
    """The sum of each row of [..., n] as [..., 1], in blocks where a row is long: see `clipping.row_norm`."""
    if rows.shape[-1] > 4096:
        rows = torch.nn.functional.pad(rows, (0, -rows.shape[-1] % 256)).unflatten(-1, (-1, 256)).sum(-1)
    return rows.sum(-1, keepdim=True)
