"""One update of a stack: gather, forward, loss, backward, clip, update. The only place with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trainer.clipping import GradientClip, WeightClip, row_norm
from trainer.experiment import Experiment
from trainer.network import Layout, Network
from trainer.stack import stack_numbers
from trainer.state import State
from trainer.tensors import Samples


class Step:
    """The update of K runs, bound to their state and to the training set.

    The samples are shared by all runs; each run gathers its own batch from them.
    """

    def __init__(
        self, experiments: Sequence[Experiment], layout: Layout, state: State, samples: Samples, features: int
    ):
        device = state.theta.device
        self.numbers = stack_numbers(experiments, device)
        self.state, self.layout = state, layout
        self.images, self.labels, self.features = samples.images, samples.labels, features
        self.g = torch.zeros_like(state.theta)
        self.network = Network(layout, experiments, self.numbers, state.theta, self.g, state.statistics)
        self.lr = torch.empty(len(experiments), 1, device=device)
        self.t = torch.empty(1, dtype=torch.int64, device=device)
        self.decays = experiments[0].optimizer.weight_decay > 0  # in all of a stack or in none
        self.batches: dict[int, Tensor] = {}

    def __call__(self, index: Tensor | None, lr: Tensor, measure: bool) -> dict[str, Tensor]:
        """Make one update with the samples `index` [K, B] (None: the whole set) at the rates `lr` [K, 1].

        With `measure` it returns the norms that a record shows, each [K, 1]; else an empty dict.
        """
        self.lr.copy_(lr)
        self.t.fill_(self.state.step)
        before = self.state.theta.clone() if measure else None
        norms = self._update(index, measure)
        self.state.step += 1
        self.state.updates += 1
        self.state.samples += self.images.shape[0] if index is None else index.shape[1]
        return norms | self._ratios(before) if before is not None else {}

    def _update(self, index: Tensor | None, measure: bool) -> dict[str, Tensor]:
        x, labels = self._batch(index)
        loss, correct, dlogits = cross_entropy(self.network.forward(x, self.t), labels)
        self.state.loss += loss
        self.state.correct += correct
        self.network.backward(dlogits)
        norms = self._gradient_norms() if measure else {}
        self._apply()
        return norms

    def _batch(self, index: Tensor | None) -> tuple[Tensor, Tensor]:
        """x [K, B, features] and labels [K, B]; the whole set is not copied, gathers go to memory that is kept."""
        if index is None:
            runs = len(self.lr)
            return self.images[:, : self.features].expand(runs, -1, -1), self.labels.expand(runs, -1)
        runs, batch = index.shape
        if batch not in self.batches:
            self.batches[batch] = torch.empty(runs * batch, self.images.shape[1], device=self.images.device)
        flat = index.reshape(-1)
        x = torch.index_select(self.images, 0, flat, out=self.batches[batch])
        return x.view(runs, batch, -1)[..., : self.features], self.labels.index_select(0, flat).view(runs, batch)

    def _apply(self) -> None:
        """Clip the gradient, take the optimizer's step, clip the parameters."""
        optimizer: Any = self.numbers.optimizer  # its numbers are tensors here
        clip = self.numbers.clip
        theta, g, parameters = self.state.theta, self.g, self.network.parameters
        if isinstance(clip, GradientClip):
            self.state.clipped += clip.clip_gradient(g, row_norm(g), parameters)
        if self.decays and optimizer.decoupled:
            theta.mul_(1 - self.lr * optimizer.weight_decay)
        elif self.decays:
            g.addcmul_(theta, optimizer.weight_decay)
        optimizer.update(theta, g, self.lr, self.t, *self.state.slots)
        if isinstance(clip, WeightClip):
            clip.clip_weights(theta, parameters)

    def _gradient_norms(self) -> dict[str, Tensor]:
        layers = {f"grad_norm/{name}": row_norm(self.g[:, columns]) for name, columns in self.layout.layers().items()}
        return {"grad_norm": row_norm(self.g), **layers}

    def _ratios(self, before: Tensor) -> dict[str, Tensor]:
        """‖θ‖ and ‖Δθ‖/‖θ‖ of this update, a layer."""
        norms = {}
        for name, columns in self.layout.layers().items():
            old, new = before[:, columns], self.state.theta[:, columns]
            norms[f"weight_norm/{name}"] = row_norm(new)
            norms[f"update_ratio/{name}"] = row_norm(new - old) / row_norm(old).clamp_(min=1e-12)
        return norms


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For logits [K, B, classes] and labels [K, B]: the losses' sum and the hits, [K, 1], and ∂(mean loss)/∂logits."""
    target = labels.unsqueeze(1)
    log_p = torch.log_softmax(logits.mT, 1)  # [K, classes, B]: a sum over few neighbours would be slow
    loss = row_sum(log_p.gather(1, target).squeeze(1)).neg_()
    correct = (logits.argmax(-1) == labels).sum(1, keepdim=True)
    minus_one = log_p.new_full((1, 1, 1), -1.0).expand(target.shape)
    return loss, correct, log_p.exp_().scatter_add_(1, target, minus_one).div_(labels.shape[1]).mT


def row_sum(rows: Tensor) -> Tensor:
    """The sum of each row of [K, n] as [K, 1], in blocks where a row is long: see `clipping.row_norm`."""
    if rows.shape[1] > 4096:
        rows = torch.nn.functional.pad(rows, (0, -rows.shape[1] % 256)).unflatten(1, (-1, 256)).sum(-1)
    return rows.sum(1, keepdim=True)
