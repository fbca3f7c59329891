"""One update of a stack: gather, forward, loss, backward, delay, clip, update. The only place with gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.data.loading import Split
from trainer.data.tensors import for_all
from trainer.engine.batches import Batch
from trainer.engine.cuda_graph import Replayed, cuda_graph
from trainer.engine.delays import Ring
from trainer.engine.loss import CrossEntropy
from trainer.engine.network import Layout, Network
from trainer.engine.stack import stack_numbers
from trainer.engine.state import State
from trainer.engine.workspace import Workspace
from trainer.experiment import Experiment
from trainer.techniques.clipping import GradientClip, WeightClip, row_norm
from trainer.techniques.numbers import column


class Step:
    """The update of K runs, bound to their rows of the state and to the training set.

    The samples are shared by all runs; each run gathers its own batch from them.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        layout: Layout,
        state: State,
        samples: Split[Tensor],
        features: int,
        workspace: Workspace,
    ):
        device = state.theta.device
        self.numbers = stack_numbers(experiments, device)
        self.state, self.layout, self.workspace = state, layout, workspace
        self.pixels, self.features = samples.pixels, features
        self.brightest = torch.tensor(255.0, device=device)
        self.batches: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self.network = Network(layout, experiments, self.numbers, state.theta, state.statistics, workspace)
        self.g = self.network.g
        self.loss = CrossEntropy(state.loss, state.correct, workspace)
        self.lr = torch.empty(len(experiments), 1, device=device)
        self.t = torch.empty(1, dtype=torch.int64, device=device)
        self.decays = experiments[0].optimizer.weight_decay > 0  # in all of a stack or in none
        self.tau: Tensor | None = None
        self.ring = None if state.ring is None else Ring(state.ring)
        self.replayed = Replayed(cuda_graph) if device.type == "cuda" else None

    def __call__(self, batch: Batch, measure: bool) -> dict[str, Tensor]:
        """Make one update; with `measure` it returns the norms that a record shows, each [K, 1], else an empty dict."""
        z = self.loss.buffer(batch)
        if not measure and self.replayed:
            self.replayed(self._update, batch, z)
            return {}
        if not measure:
            self._update(batch, z)
            return {}
        before = self.state.theta.clone()
        self._differentiate(batch, z)
        norms = self._gradient_norms()
        self._apply()
        return norms | self._ratios(before)

    def _update(self, batch: Batch, z: Tensor) -> None:
        self._differentiate(batch, z)
        self._apply()

    def _differentiate(self, batch: Batch, z: Tensor) -> None:
        """The gradient of the mean loss into g, the logits into z."""
        self.lr, self.t, self.tau = batch.lr, batch.t, batch.tau
        logits = self.network.forward(self._batch(batch.indices), self.t)
        self.network.backward(self.loss.gradient(logits, batch.dlog_p, z))

    def _batch(self, indices: Tensor | None) -> Tensor:
        """x [K, B, features]; the whole set is not copied."""
        if indices is None:
            return for_all(self.pixels, len(self.lr), self.features)
        size = indices.shape[0]
        if size not in self.batches:
            self.batches[size] = self._room(size)
        gathered, images, x = self.batches[size]
        torch.index_select(self.pixels, 0, indices, out=gathered)
        if gathered is not images:  # bytes
            torch.div(gathered, self.brightest, out=images)
        return x

    def _room(self, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """For the pixels of so many samples as they are stored, for the images, and these run by run."""
        images = self.workspace("images", 1, size, self.pixels.shape[1])[0]
        gathered = images if self.pixels.dtype == images.dtype else torch.empty_like(images, dtype=self.pixels.dtype)
        return gathered, images, images.view(len(self.lr), -1, images.shape[1])[..., : self.features]

    def _apply(self) -> None:
        """Exchange the gradient for the one that is due, clip it, take the optimizer's step, clip the parameters."""
        optimizer, clip = self.numbers.optimizer, self.numbers.clip
        theta, g, parameters = self.state.theta, self.g, self.network.parameters
        if self.ring and self.tau is not None:
            self.ring.exchange(g, self.t, self.tau)
        if isinstance(clip, GradientClip):
            self.state.clipped += clip.clip_gradient(g, row_norm(g), parameters)
        if self.decays and optimizer.decoupled:
            theta.mul_(1 - self.lr * column(optimizer.weight_decay))
        elif self.decays:
            g.addcmul_(theta, column(optimizer.weight_decay))
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
