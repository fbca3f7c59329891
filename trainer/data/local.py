"""The data sets that need no files and no network: one comes with scikit-learn, one is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from trainer.data.dataset import Dataset, Raw
from trainer.techniques.numbers import AtLeastOne, Count, Interval


@dataclass(frozen=True, kw_only=True)
class Digits(Dataset):
    """Scikit-learn's 1,797 real handwritten digits of 8×8, scaled to 28×28: no download. 1,500 to train, 297 to test.

    The writers follow one another in the source, so the images are shuffled once, the same way everywhere.
    """

    name: ClassVar[str] = "digits"
    validation: Count = 300  # fewer tell too little: an accuracy of 95 % on 125 has an error of 2 points

    @property
    def training(self) -> int:
        return 1500

    def read(self) -> Raw:
        from trainer.data.making import digits  # here, because it needs NumPy

        return digits()


@dataclass(frozen=True, kw_only=True)
class Synthetic(Dataset):
    """Generated images of any number and size, always the same, for tests and benchmarks.

    A class is four clouds in a space of sixteen hidden variables, which a fixed linear map turns into pixels, with
    noise: a linear model learns a part, a network nearly all. A sixth of `samples`, rounded up, more are the test set.
    """

    name: ClassVar[str] = "synthetic"
    validation: Count = 500
    samples: AtLeastOne = 6000  # the training set, held-out images included
    features: AtLeastOne = 784
    classes: Annotated[int, Interval(at_least=2)] = 10

    @property
    def training(self) -> int:
        return self.samples

    def read(self) -> Raw:
        from trainer.data.making import clouds

        return clouds(self.samples, self.features, self.classes)
