"""The data sets to choose from, by the words of `dataset=`. Importing this costs not even NumPy: who reads a set imports that."""

from __future__ import annotations

from trainer.data.dataset import Dataset, Raw
from trainer.data.files import Files
from trainer.data.local import Digits, Synthetic
from trainer.data.mnist import FashionMnist, Kmnist, Mnist, Qmnist

__all__ = ["DATASETS", "Dataset", "Digits", "FashionMnist", "Files", "Kmnist", "Mnist", "Qmnist", "Raw", "Synthetic"]

SETS: tuple[type[Dataset], ...] = (Mnist, FashionMnist, Kmnist, Qmnist, Digits, Synthetic, Files)
DATASETS: dict[str, type[Dataset]] = {cls.name: cls for cls in SETS}
