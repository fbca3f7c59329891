"""The work that every contestant does: the same data, network, batch, optimizer and number of updates."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.datasets import DATASETS

LOSS_SAMPLES = 6000
"""Training samples on which a contestant's loss is taken: enough to tell whether it learned."""


@dataclass(frozen=True)
class Work:
    """images uint8 [N, 784], labels int64 [N]; a network 784-hidden-10 trained by heavy ball (v ← βv + g; θ ← θ − ηv)."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    hidden: tuple[int, ...] = (128,)
    batch: int | str = 128
    lr: float = 0.01
    beta: float = 0.9
    precision: str = "float32"

    @property
    def floats(self) -> np.ndarray:
        """The images in [0, 1], float32."""
        return np.divide(self.images, np.float32(255), dtype=np.float32)

    @property
    def updates(self) -> int:
        """Updates an epoch; the last batch is smaller where N is not a multiple."""
        return 1 if self.batch == "full" else math.ceil(len(self.labels) / int(self.batch))

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.images.shape[1], *self.hidden, 10)

    def loss(self, weights: Sequence[Any]) -> list[float]:
        """Mean cross-entropy of each run on training samples, for W [K, in, out], b [K, 1, out], W, b, … of its layers."""
        labels = self.labels[:LOSS_SAMPLES]
        inputs = np.divide(self.images[:LOSS_SAMPLES], np.float32(255), dtype=np.float32)
        return [_cross_entropy(inputs, labels, run) for run in zip(*(np.asarray(w) for w in weights), strict=True)]


def _cross_entropy(x: np.ndarray, labels: np.ndarray, layers: Sequence[np.ndarray]) -> float:
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = np.maximum(x @ weight + bias, 0)
    logits = x @ layers[-2] + layers[-1]
    logits -= logits.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(labels)), labels]))


def load_work(root: Path | None) -> Work:
    """MNIST where `root` (or TRAIN_DATA) holds it, else synthetic data of its shape, 60,000 × 784."""
    dataset = DATASETS["mnist"](**({"root": str(root)} if root else {}))  # type: ignore[arg-type]
    if not any(dataset.path.glob("train-images-idx3-ubyte*")):  # type: ignore[attr-defined]
        dataset = DATASETS["synthetic"](samples=60_000)  # type: ignore[call-arg]
    raw = dataset.read()
    return Work(dataset.name, raw.images.reshape(len(raw.images), -1).copy(), raw.labels.astype(np.int64))


@dataclass
class Clock:
    """Times epochs; what lies between `stop` and the next `start` is not counted."""

    work: Work
    seconds: list[float] = field(default_factory=list)
    first: list[np.ndarray] = field(default_factory=list)
    """The weights after the first epoch."""

    def start(self) -> None:
        self.started = time.perf_counter()

    def stop(self, weights: Sequence[Any] | None = None) -> None:
        """An epoch is done, with these weights (the floor has none)."""
        self.seconds.append(time.perf_counter() - self.started)
        if weights is not None and not self.first:
            self.first = [np.array(w) for w in weights]

    def losses(self) -> list[float]:
        """Of the runs after their first epoch. To be asked for at the end: NumPy's threads go on spinning for a while."""
        return self.work.loss(self.first) if self.first else []
