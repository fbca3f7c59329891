"""We: one run or a stack of them, in this process."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.work import Clock, Work
from trainer.data.loading import Data, Split
from trainer.data.tensors import Tensors, on_device
from trainer.engine.loop import Training
from trainer.experiment import Experiment


def epochs(work: Work, n: int, clock: Clock, runs: int = 1, threads: int | str = "auto", device: str = "cpu") -> None:
    training = new_training(work, n, runs, threads, device)
    updates = iter(training)
    for epoch in range(1, n + 1):
        clock.start()
        while training.step < epoch * training.per_epoch:
            next(updates)
        synchronise(device)
        clock.stop(weights(training))


def new_training(
    work: Work, n: int, runs: int = 1, threads: int | str = "auto", device: str = "cpu", first: int = 0
) -> Training:
    """A stack with the seeds first … first + runs − 1; an epoch more than `n`, so that none is the last with its test."""
    experiments = [
        Experiment(
            seed=first + run,
            epochs=n + 1,
            batch_size=work.batch,  # type: ignore[arg-type]
            threads=threads,  # type: ignore[arg-type]
            device=device,
            precision=work.precision,  # type: ignore[arg-type]
            dataset={"name": "synthetic", "validation": 0},  # type: ignore[arg-type]  # what is used comes in `tensors`
            model={"name": "mlp", "hidden": list(work.hidden)},  # type: ignore[arg-type]
            optimizer={"name": "heavy_ball", "lr": work.lr, "beta": work.beta},  # type: ignore[arg-type]
        )
        for run in range(runs)
    ]
    return Training(experiments, tensors(work, device))


def tensors(work: Work, device: str) -> Tensors:
    """The work's samples as a training set; none held out."""
    train = Split(work.images, work.labels)
    none = Split(train.images[:0], train.labels[:0])
    return on_device(Data(work.name, train, none, none, classes=10), torch.device(device))


def weights(training: Training) -> list[np.ndarray]:
    """W [K, in, out], b [K, 1, out], … of all layers."""
    theta, places = training.state.theta.cpu(), training.layout.parameters.values()
    return [(place.view(theta).mT if place.role == "weight" else place.view(theta)).numpy() for place in places]


def synchronise(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
