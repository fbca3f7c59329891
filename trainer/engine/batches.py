"""Batches: what each update is given, its samples, its learning rate, its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from trainer.engine.randomness import order


class Batch(NamedTuple):
    """indices [K · B] of the samples in the training set (None: the whole of it) · target [K, 1, B], labels ·
    dlog_p [K, classes, B], ∂(mean loss)/∂(log p): −1/B at each label, else 0 · lr [K, 1] · t [1], the updates before ·
    tau [K], how many updates ago the gradients to apply were made (None: in this one)."""

    indices: Tensor | None
    target: Tensor
    dlog_p: Tensor
    lr: Tensor
    t: Tensor
    tau: Tensor | None = None


def together(runs: int, batch: int, device: torch.device) -> int:
    """How many updates are prepared or counted together: enough to make an operation worth its call, few in memory."""
    samples = 1 << 12 if device.type == "cpu" else 1 << 21
    return max(1, min(32, samples // (runs * batch)))


class Batches:
    """The batches of K runs, each run's in the order of its seed.

    Several are prepared together: one by one the small gathers and views cost as much as the clip and the optimizer.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        labels: Tensor,
        classes: int,
        batch: int | None,
        rates: Tensor,
        delays: Tensor | None = None,
    ):
        """`labels` [N] of the training set, `batch` None for all of it in every update, `rates` [K, T] of all updates and
        `delays` [K, T], None where no gradient is applied late."""
        self.seeds, self.labels, self.classes = seeds, labels, classes
        self.rates = rates.T.to(labels.device, torch.float32).contiguous().unsqueeze(-1)  # [T, K, 1]
        self.delays = None if delays is None else delays.T.to(labels.device).contiguous()  # [T, K]
        self.numbers = torch.arange(len(self.rates), device=labels.device).unsqueeze(-1)
        self.batch = batch or len(labels)
        self.whole_set = batch is None
        self.per_epoch = math.ceil(len(labels) / self.batch)
        self.epoch = self.first = -1
        self.ready: list[Batch] = []

    def __call__(self, step: int) -> Batch:
        """What the update is given that comes after `step` others."""
        if not self.first <= step < self.first + len(self.ready):
            self.first, self.ready = step, self._prepare(step)
        return self.ready[step - self.first]

    def _prepare(self, step: int) -> list[Batch]:
        epoch, position = divmod(step, self.per_epoch)
        indices: Any = [None] if self.whole_set else self._indices(epoch, position * self.batch)
        runs, n = len(self.seeds), len(indices)
        labels = self.labels.expand(runs, -1) if self.whole_set else self.labels.index_select(0, indices.flatten())
        target = labels.view(n, runs, 1, -1)
        dlog_p = torch.zeros(n, runs, self.classes, target.shape[3], device=target.device)
        dlog_p.scatter_(2, target, -1 / target.shape[3])
        lr, t = self.rates[step : step + n], self.numbers[step : step + n]
        tau: Any = [None] * n if self.delays is None else self.delays[step : step + n]
        return [Batch(*parts) for parts in zip(indices, target, dlog_p, lr, t, tau, strict=True)]

    def _indices(self, epoch: int, start: int) -> Tensor:
        """Of the batches from sample `start` of an epoch on, [n, K · B]; the last batch of an epoch may be a small one, alone."""
        if epoch != self.epoch:
            self.epoch, self.order = epoch, self._order(epoch)
        samples, runs = self.order.shape[1] - start, len(self.seeds)
        n = min(samples // self.batch, together(runs, self.batch, self.order.device))
        if n == 0:
            return self.order[:, start:].reshape(1, -1)
        indices: Tensor = self.order[:, start : start + n * self.batch].unflatten(1, (n, self.batch))
        return indices.transpose(0, 1).reshape(n, -1)

    def _order(self, epoch: int) -> Tensor:
        """The order of an epoch for each run, [K, N]."""
        orders = [order(seed, epoch, len(self.labels)) for seed in self.seeds]
        return torch.stack(orders).to(self.labels.device)
