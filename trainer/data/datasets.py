"""The data sets to choose from, by the words of `dataset=`. Importing this costs NumPy and nothing more."""

from __future__ import annotations

from trainer.data.dataset import Dataset, Raw
from trainer.data.local import Digits, Synthetic
from trainer.data.mnist import FashionMnist, Kmnist, Mnist

__all__ = ["DATASETS", "Dataset", "Digits", "FashionMnist", "Kmnist", "Mnist", "Raw", "Synthetic"]

DATASETS: dict[str, type[Dataset]] = {cls.name: cls for cls in (Mnist, FashionMnist, Kmnist, Digits, Synthetic)}
