"""The network of those peers that use torch, and its weights as all contestants show theirs."""

from __future__ import annotations

import numpy as np
from torch import nn

from benchmarks.work import Work


def sequential(work: Work) -> nn.Sequential:
    """Flatten, Linear, ReLU, …, Linear."""
    pairs = list(zip(work.widths, work.widths[1:], strict=False))
    layers = [layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *layers[:-1])


def weights(model: nn.Sequential) -> list[np.ndarray]:
    """W [1, in, out], b [1, 1, out], …"""
    tensors = (p.detach().mT if p.ndim == 2 else p.detach()[None] for p in model.parameters())
    return [tensor[None].numpy() for tensor in tensors]
