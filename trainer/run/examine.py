"""A trained network, looked at after its training: on a copy as a plain module, so that no bit of the run can change."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from trainer.data.loading import Split
from trainer.data.tensors import Tensors
from trainer.report.learned import BINS, MISTAKES, UNITS, Histogram, Learned


def examine(module: nn.Sequential, data: Tensors) -> Learned:
    """What a network (on the CPU, in eval mode) makes of the validation images, or where none are held out of the test images."""
    name, split = ("valid", data.valid) if len(data.valid.labels) else ("test", data.test)
    images, labels = split.images[:, : data.features].cpu(), split.labels.cpu()
    module.zero_grad()
    logits = module(images)
    torch.nn.functional.cross_entropy(logits, labels).backward()
    weights = _first(module)
    return Learned(
        split=name,
        confusion=_confusion(logits, labels, data.classes),
        weights=weights[weights.norm(dim=1).argsort(descending=True, stable=True)[:UNITS]].numpy(),
        histograms=_histograms(module),
        **_worst(logits.detach(), Split(images, labels)),
    )


def _first(module: nn.Sequential) -> Tensor:
    return next(layer.weight.detach() for layer in module if isinstance(layer, nn.Linear))


def _confusion(logits: Tensor, labels: Tensor, classes: int) -> np.ndarray:
    pairs = labels * classes + logits.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes).numpy()


def _worst(logits: Tensor, split: Split[Tensor]) -> dict[str, np.ndarray]:
    """The wrong predictions that the network was most confident of."""
    confidence, predicted = torch.softmax(logits, 1).max(1)
    wrong = (predicted != split.labels).nonzero().flatten()
    worst = wrong[confidence[wrong].argsort(descending=True, stable=True)[:MISTAKES]]
    found = {"images": split.images, "predicted": predicted, "true": split.labels, "confidence": confidence}
    return {key: tensor[worst].numpy() for key, tensor in found.items()}


def _histograms(module: nn.Sequential) -> dict[str, Histogram]:
    linear = [layer for layer in module if isinstance(layer, nn.Linear)]
    found: dict[str, Histogram] = {}
    for number, layer in enumerate(linear, start=1):
        found[f"weights/linear{number}"] = _histogram(layer.weight.detach())
        if layer.weight.grad is not None:
            found[f"gradients/linear{number}"] = _histogram(layer.weight.grad)
    return found


def _histogram(values: Tensor) -> Histogram:
    counts, edges = np.histogram(values[values.isfinite()].numpy(), bins=BINS)
    return counts, edges
