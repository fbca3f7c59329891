"""A data set in memory: read, split, scaled to float32, with the fallback if MNIST is not available. NumPy only."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from trainer.data.datasets import DATASETS, Dataset, Mnist, Raw
from trainer.data.idx import Unreachable
from trainer.errors import DataError

__all__ = ["DATASETS", "Data", "DataError", "Dataset", "Split", "load"]

MEAN, DEVIATION = np.float32(0.1307), np.float32(0.3081)  # of MNIST's training pixels, as usually given


Array = TypeVar("Array")


class Split(NamedTuple, Generic[Array]):
    """Pixels [N, features], bytes from 0 to 255 or float32 as a network sees them, and labels, int64 [N]: arrays, or tensors.

    Training images that come as bytes stay so, a quarter of the memory, and become floats batch by batch."""

    pixels: Array
    labels: Array

    @property
    def images(self) -> Array:
        """float32 [N, features], in [0, 1] unless standardized; bytes are converted anew each time."""
        images: Array = floats(self.pixels)
        return images


@dataclass(frozen=True)
class Data:
    """A data set, loaded. `name` is the one really used, `digest` that of its pixels and labels before any split;
    `notice` is for the user's eyes and must reach them."""

    name: str
    train: Split[np.ndarray]
    valid: Split[np.ndarray]
    test: Split[np.ndarray]
    classes: int
    notice: str | None = None
    digest: str = ""
    split: str = ""  # which images are held out, in words


class Found(NamedTuple):
    """A data set as it was read, and which one it is: the one asked for or its fallback."""

    dataset: Dataset
    raw: Raw
    notice: str | None

    @property
    def digest(self) -> str:
        """SHA-256 of pixels and labels, cut to 16 hexadecimal digits: what tells two sets of one name apart."""
        sha = hashlib.sha256()
        for array in self.raw[:4]:
            sha.update(f"{array.shape}".encode())
            kind = "<i8" if array.ndim == 1 else "<f4" if array.dtype.kind == "f" else np.uint8
            sha.update(np.ascontiguousarray(array, kind).data)
        return sha.hexdigest()[:16]


def load(dataset: Dataset, fallen_back: bool = False) -> Data:
    """`find`, split and scaled."""
    found = find(dataset, fallen_back)
    return replace(_data(found.dataset, found.raw), notice=found.notice, digest=found.digest)


def find(dataset: Dataset, fallen_back: bool = False) -> Found:
    """Reads `dataset`, or its fallback where it is neither on disk nor to be downloaded.

    With `fallen_back` it reads the fallback at once, so that a run that began on the fallback stays on it.

    Raises DataError: a split that does not fit, damaged files that can't be replaced, a folder that can't be read or
    written, or no data at all (then with every source tried and its reason).
    """
    dataset.check_files()
    if fallen_back and isinstance(dataset, Mnist) and dataset.fallback:
        return _fall_back(dataset, f"It began on '{dataset.fallback}', because {dataset.name} was not available then.")
    try:
        raw = dataset.read()
        return Found(dataset, raw, raw.notice)
    except Unreachable as error:
        assert isinstance(dataset, Mnist)  # nothing else is downloaded
        reason = f"{dataset.name} is not complete in {dataset.path}, and {error}"
        if dataset.fallback is None:
            raise DataError(f"{reason}\n{_cure(dataset)}") from error
        return _fall_back(dataset, f"{reason}\n{_cure(dataset)}")


def _fall_back(dataset: Mnist, reason: str) -> Found:
    substitute = _substitute(dataset)
    return Found(substitute, substitute.read(), _notice(dataset, substitute, reason))


def _data(dataset: Dataset, raw: Raw) -> Data:
    raw = _shuffled(raw, dataset.split_seed)
    labels, end = raw.labels.astype(np.int64), len(raw.labels) - dataset.validation
    start = end if dataset.limit is None else dataset.limit
    train, valid = (_flat(pixels) for pixels in (raw.images[:start], raw.images[end:]))
    return Data(
        name=dataset.name,
        train=Split(_standardized(train) if dataset.standardize else train, labels[:start]),
        valid=_seen(valid, labels[end:], dataset.standardize),
        test=_seen(_flat(raw.test_images), raw.test_labels.astype(np.int64), dataset.standardize),
        classes=raw.classes,
        split=f"the last {dataset.validation} of {len(raw.labels)}, split_seed {dataset.split_seed}",
    )


def _seen(pixels: np.ndarray, labels: np.ndarray, standardize: bool) -> Split[np.ndarray]:
    """Images as a network sees them."""
    return Split(_standardized(pixels) if standardize else floats(pixels), labels)


def _shuffled(raw: Raw, seed: int | None) -> Raw:
    """The training images in the order of `seed`: raw bits, since NumPy promises those for all versions, and not its shuffles."""
    if seed is None:
        return raw
    order = np.argsort(np.random.Philox(key=seed).random_raw(len(raw.labels)), kind="stable")
    return raw._replace(images=raw.images[order], labels=raw.labels[order])


def _flat(pixels: np.ndarray) -> np.ndarray:
    """A row an image; of its own, for torch takes no memory that can't be written, as that of a file."""
    return np.require(pixels.reshape(len(pixels), math.prod(pixels.shape[1:])), requirements=("C", "W"))


def floats(pixels: Any) -> Any:
    """Bytes, an array or a tensor, as float32 from 0 to 1; floats as they are."""
    if isinstance(pixels, np.ndarray):
        return np.divide(pixels, np.float32(255), dtype=np.float32) if pixels.dtype == np.uint8 else pixels
    return pixels if pixels.is_floating_point() else pixels / pixels.new_tensor(255)  # by a number a GPU would multiply


def as_floats(split: Split[Array]) -> Split[Array]:
    """The same split, converted once."""
    return Split(split.images, split.labels)


def _standardized(pixels: np.ndarray) -> np.ndarray:
    images: np.ndarray = (floats(pixels) - MEAN) / DEVIATION
    return images


def _substitute(dataset: Mnist) -> Dataset:
    """The fallback with its own split or, where another than the default was asked for, with the same share of its training
    images held out; and at most `limit` of the others."""
    substitute = DATASETS[str(dataset.fallback)]()
    validation = substitute.validation
    if dataset.validation != type(dataset).validation:
        share = math.ceil(dataset.validation * substitute.training / dataset.training)
        validation = min(share, substitute.training - 1)
    limit = dataset.limit and min(dataset.limit, substitute.training - validation)
    return replace(
        substitute, validation=validation, limit=limit, split_seed=dataset.split_seed, standardize=dataset.standardize
    )


def _notice(dataset: Mnist, used: Dataset, reason: str) -> str:
    return (
        f"NOT {dataset.name.upper()}: this run uses the data set '{used.name}' instead, and its results say nothing "
        f"about {dataset.name}.\n{reason}\n"
        f"Of its {used.training:,} training images {used.validation:,} are held out. "
        f"dataset.fallback=null stops a run instead."
    )


def _cure(dataset: Mnist) -> str:
    return (
        f"To use {dataset.name}: run again with a network, name a mirror in the environment variable TRAIN_MIRROR, or "
        f"put its four files into {dataset.path} or another {dataset.folder}/raw whose root you name by dataset.root."
    )
