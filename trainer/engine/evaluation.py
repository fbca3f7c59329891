"""Loss and accuracy of a stack on held-out samples."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainer.data.tensors import Samples, for_all
from trainer.engine.loss import losses_and_correct
from trainer.engine.network import Network

CHUNK = 512
"""Samples at a time: small enough to stay in the caches, and fixed, because sums depend on where they are cut."""


@torch.inference_mode()
def evaluate(network: Network, samples: Samples, features: int) -> tuple[Tensor, Tensor]:
    """The sum of cross-entropies and the number of correct answers of each run, [K, 1] each, with the network in evaluation."""
    n, runs = len(samples.labels), network.theta.shape[0]
    loss, correct = (torch.zeros(runs, 1, device=network.theta.device) for _ in range(2))
    chunks = math.ceil(n / CHUNK)
    pairs = zip(samples.images.tensor_split(chunks), samples.labels.tensor_split(chunks), strict=True)
    for images, labels in pairs:
        logits = network.forward(for_all(images, runs, features))
        chunk_loss, chunk_correct = losses_and_correct(logits.mT.contiguous(), labels.expand(runs, 1, -1))
        loss += chunk_loss
        correct += chunk_correct
    return loss, correct
