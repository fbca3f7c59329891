"""A data set as tensors on the device, there once for all runs of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.data.loading import Data, Split


@dataclass(frozen=True)
class Tensors:
    """A data set on its device; `name` is the one really used. Beyond the features images are padded, see `on_device`."""

    name: str
    train: Split[Tensor]
    valid: Split[Tensor]
    test: Split[Tensor]
    features: int
    classes: int
    device: torch.device
    digest: str = ""
    split: str = ""


def on_device(data: Data, device: torch.device) -> Tensors:
    """The data set as tensors; rows are padded to 64 bytes, so that each is aligned alike (see `workspace.Workspace`)."""
    features = data.train.pixels.shape[1]

    def moved(split: Split[np.ndarray]) -> Split[Tensor]:
        pixels = torch.from_numpy(split.pixels)
        pixels = torch.nn.functional.pad(pixels, (0, -features % 16)) if features % 16 else pixels
        return Split(pixels.to(device), torch.from_numpy(split.labels).to(device))

    train, valid, test = moved(data.train), moved(data.valid), moved(data.test)
    return Tensors(data.name, train, valid, test, features, data.classes, device, data.digest, data.split)


def for_all(images: Tensor, runs: int, features: int) -> Tensor:
    """[runs, N, features] without a copy; one run is stepped over by 0 like several, so that all lie in the same order."""
    return images.as_strided((runs, len(images), features), (0, images.stride(0), 1))
