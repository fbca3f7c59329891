"""The plain loop: all images as one tensor, a permutation an epoch, nn.Sequential, torch.optim.SGD."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from benchmarks.contestants.network import sequential, weights
from benchmarks.work import Clock, Work


def epochs(work: Work, n: int, clock: Clock) -> None:
    images, labels = torch.from_numpy(work.floats), torch.from_numpy(work.labels)
    model = sequential(work)
    optimizer = torch.optim.SGD(model.parameters(), lr=work.lr, momentum=work.beta)
    for _ in range(n):
        clock.start()
        for batch in torch.randperm(len(labels)).split(int(work.batch)):
            optimizer.zero_grad()
            cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
        clock.stop(weights(model))
