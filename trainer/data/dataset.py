"""What every data set is asked for, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from trainer.errors import DataError
from trainer.techniques.numbers import AtLeastOne, Count, Seed

if TYPE_CHECKING:
    import numpy as np


class Raw(NamedTuple):
    """What a data set reads: pixels [N, …], uint8 or float32 from 0 to 1, and labels, integers [N], before any split."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: int = 10
    notice: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset(ABC):
    """What every data set is asked for. The last `validation` training images are held out, in their own order or, with a
    `split_seed`, in one drawn from it."""

    name: ClassVar[str]
    validation: Count = 5000
    limit: AtLeastOne | None = None  # train on the first so many of the others
    split_seed: Seed | None = None
    standardize: bool = False  # (x - 0.1307) / 0.3081, MNIST's mean and standard deviation, for every set

    def source(self) -> tuple[Hashable, ...]:
        """What its pixels and labels depend on: the word and its numbers, but not the split or where files lie."""
        others = {"validation", "limit", "split_seed", "standardize", "root", "fallback"}
        return (self.name, *(getattr(self, f.name) for f in fields(self) if f.name not in others))

    @property
    @abstractmethod
    def training(self) -> int:
        """How many images the training set has, held-out ones included; known without reading it."""

    @abstractmethod
    def read(self) -> Raw:
        """All pixels and labels. Raises DataError."""

    def check_files(self) -> None:
        """`check`, and what only the files can tell where the size of the set is not known without them. Raises DataError."""
        self.check()

    def check(self) -> None:
        """Raises DataError where `validation` and `limit` don't fit the size of the set; reads nothing."""
        rest = self.training - self.validation
        if not 0 <= self.validation < self.training:
            raise DataError(
                f"dataset.validation={self.validation} does not fit: {self.name} has {self.training:,} training "
                f"images; type dataset.validation= with a number from 0 to {self.training - 1}."
            )
        if self.limit is not None and not 1 <= self.limit <= rest:
            raise DataError(
                f"dataset.limit={self.limit} does not fit: {self.name} has {rest:,} training images beside the "
                f"{self.validation:,} held out; type dataset.limit= with a number from 1 to {rest}, or null for all."
            )
