"""A user's own images: one .npz, or a folder with four IDX files, of any size, any number of classes and images.

What the plan of a sweep must know (how many images, pixels and classes) is told by the headers of the files and by the labels,
which are small; the pixels are read when they are trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from trainer.data.dataset import Dataset, Raw
from trainer.errors import DataError
from trainer.techniques.numbers import Count

if TYPE_CHECKING:
    import numpy as np

    from trainer.data.idx_folder import IdxFolder
    from trainer.data.npz import Npz

MOST_CLASSES = 100_000


class Described(NamedTuple):
    """Of a set: the shapes of its images [N, …], training and test (None: a part of the others), and its labels."""

    shape: tuple[int, ...]
    test_shape: tuple[int, ...] | None
    labels: np.ndarray
    test_labels: np.ndarray | None

    @property
    def held_back(self) -> int:
        """How many of the images, the last ones, are the test set: a sixth, rounded up, where there is no other."""
        return 0 if self.test_shape else -(-self.shape[0] // 6)


@dataclass(frozen=True, kw_only=True)
class Files(Dataset):
    """Images and labels from `path`: an .npz with x_train, y_train, x_test and y_test (as Keras has them), or x and y, whose
    last sixth is the test set then; or a folder of IDX files named as MNIST's are, packed or not.

    Images are bytes, or numbers from 0 to 1; labels are whole numbers from 0.
    """

    name: ClassVar[str] = "files"
    validation: Count = 500
    path: str | None = None

    @property
    def training(self) -> int:
        described = self.described()
        return described.shape[0] - described.held_back

    @property
    def features(self) -> int:
        """Pixels an image."""
        return math.prod(self.described().shape[1:])

    @property
    def classes(self) -> int:
        """One more than the largest label."""
        found = self.described()
        return 1 + max(int(labels.max()) for labels in (found.labels, found.test_labels) if labels is not None)

    def check(self) -> None:
        """Nothing can be told without the files, which may be elsewhere where a run's configuration is read."""

    def check_files(self) -> None:
        """Raises DataError for files that are missing or do not fit together, and for a split that does not fit them."""
        super().check()

    def described(self) -> Described:
        """What headers and labels say. Raises DataError for files that are missing or do not fit together."""
        if not self.path:
            raise DataError(
                "dataset=files needs your file: type dataset.path=FILE.npz, or a folder with four IDX files."
            )
        return _described(self.path, _stamp(Path(self.path)))

    def read(self) -> Raw:
        found, source = self.described(), _source(Path(self.path or ""))
        images = _pixels(source.images("train"), self.path)
        if found.test_labels is not None:
            test = _pixels(source.images("test"), self.path)
            return Raw(images, found.labels, test, found.test_labels, self.classes)
        end = self.training
        notice = (
            f"{self.path} has no test images: the last {found.held_back:,} of its {len(images):,} are taken for them."
        )
        return Raw(images[:end], found.labels[:end], images[end:], found.labels[end:], self.classes, notice)


def _source(path: Path) -> Npz | IdxFolder:
    from trainer.data.idx_folder import IdxFolder  # here, because both need NumPy
    from trainer.data.npz import Npz

    path = path.expanduser()
    if path.is_file():
        return Npz(path)
    return IdxFolder(path)


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when the files do."""
    path = path.expanduser()
    files = [path] if path.is_file() else sorted(path.glob("*")) if path.is_dir() else sorted(path.parent.glob("*"))
    stats = [file.stat() for file in files if file.is_file()]
    return tuple(number for found in stats for number in (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=64)
def _described(path: str, stamp: tuple[int, ...]) -> Described:
    source = _source(Path(path))
    labels, test_labels = (_labels(source.labels(part), path) for part in ("train", "test"))
    shape, test_shape = source.shape("train"), source.shape("test")
    assert labels is not None and shape is not None  # the sources have seen to that
    for part, images, own in (("training", shape, labels), ("test", test_shape, test_labels)):
        if images is not None and own is not None and (len(images) < 2 or images[0] != len(own) or not images[0]):
            raise DataError(
                f"{path}: its {part} images have the shape {images} and its {part} labels are {len(own):,}."
            )
    if test_shape and test_shape[1:] != shape[1:]:
        raise DataError(f"{path}: training images are {_times(shape[1:])} and test images {_times(test_shape[1:])}.")
    return Described(shape, test_shape, labels, test_labels)


def _labels(labels: np.ndarray | None, path: str) -> np.ndarray | None:
    """Whole numbers from 0, int64 [N]. Raises DataError."""
    if labels is None:
        return None
    if labels.ndim == 2 and labels.shape[1] == 1:  # as Keras has them for CIFAR
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{path}: labels must be whole numbers, one an image; these are {labels.dtype} {labels.shape}.")
    if len(labels) and not 0 <= labels.min() <= labels.max() < MOST_CLASSES:
        found = f"these are from {labels.min()} to {labels.max()}"
        raise DataError(f"{path}: labels must be from 0 to {MOST_CLASSES - 1:,}; {found}.")
    return labels.astype("int64")


def _pixels(images: np.ndarray, path: str | None) -> np.ndarray:
    """Bytes as they are, numbers from 0 to 1 as float32. Raises DataError."""
    kind, low, high = images.dtype.kind, images.min(initial=0), images.max(initial=0)
    if kind in "iu" and 0 <= low and high <= 255:
        return images.astype("uint8", copy=False)
    if kind == "b" or (kind == "f" and 0 <= low and high <= 1):  # a NaN is neither
        return images.astype("float32", copy=False)
    raise DataError(
        f"{path}: images must be bytes from 0 to 255 or numbers from 0 to 1; these are {images.dtype}, from {low} to {high}."
    )


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)
