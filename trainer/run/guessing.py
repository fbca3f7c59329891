"""What is reached on a data set without looking at an image: what an accuracy and a loss have to be better than."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.data.tensors import Tensors


def guessing(data: Tensors) -> dict[str, dict[str, float]]:
    """For each split with images: how many there are, the share of the most frequent class (`accuracy`), and the entropy of
    the classes in nats (`loss`): the cross-entropy of an answer that knows how frequent each class is, and nothing else."""
    splits = {"train": data.train, "valid": data.valid, "test": data.test}
    return {name: _facts(split.labels, data.classes) for name, split in splits.items() if len(split.labels)}


def _facts(labels: Tensor, classes: int) -> dict[str, float]:
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    shares = counts / counts.sum()
    entropy = -torch.xlogy(shares, shares).sum()
    return {"images": len(labels), "accuracy": shares.max().item(), "loss": entropy.abs().item()}
