"""Loss and accuracy of a stack on held-out samples."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.data.loading import Split
from trainer.data.tensors import for_all
from trainer.engine.loss import hits, losses
from trainer.engine.network import Network

CHUNK = 512
"""Samples at a time: small enough to stay in the caches, and fixed, because sums depend on where they are cut."""


class Evaluation(NamedTuple):
    """Of each run: the sum of cross-entropies and the number of right answers, [K, 1] each, and which they are, bool [K, N]."""

    loss: Tensor
    correct: Tensor
    hits: Tensor


@torch.inference_mode()
def evaluate(network: Network, samples: Split[Tensor], features: int) -> Evaluation:
    """Loss and answers on `samples`, with the network in evaluation."""
    n, runs = len(samples.labels), network.theta.shape[0]
    loss, right = torch.zeros(runs, 1, device=network.theta.device), []
    chunks = math.ceil(n / CHUNK)
    pairs = zip(samples.images.tensor_split(chunks), samples.labels.tensor_split(chunks), strict=True)
    for images, labels in pairs:
        z, target = network.forward(for_all(images, runs, features)).mT.contiguous(), labels.expand(runs, 1, -1)
        loss += losses(z, target)
        right.append(hits(z, target))
    answers = torch.cat(right, 1)
    return Evaluation(loss, answers.sum(1, keepdim=True), answers)
