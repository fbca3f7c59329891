"""The pixels of the sets that need no files: scikit-learn's digits, enlarged, and clouds, generated."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from trainer.data.dataset import Raw


def digits() -> Raw:
    """Scikit-learn's digits as 28×28 bytes, in an order drawn once, the same everywhere."""
    pixels, labels = _scikit_learns_digits()
    # raw bits, since NumPy promises those, and not its shuffles, for all versions
    order = np.argsort(np.random.Philox(key=0).random_raw(len(labels)), kind="stable")
    images, labels = _enlarge(pixels[order]), labels[order]
    return Raw(images[:1500], labels[:1500], images[1500:], labels[1500:])


def _scikit_learns_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images [1797, 8, 8] of 0 to 16 and labels [1797], int64. From the file itself, since importing scikit-learn
    takes a second; from scikit-learn where a version keeps it elsewhere."""
    package = find_spec("sklearn")
    file = Path(package.origin).parent / "datasets/data/digits.csv.gz" if package and package.origin else Path()
    if file.is_file():
        table = np.loadtxt(file, np.int64, delimiter=",")
        return table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images.astype(np.int64), bunch.target


def _enlarge(images: np.ndarray) -> np.ndarray:
    """8×8 values from 0 to 16 as 28×28 bytes, bilinear with pixel centres aligned; whole numbers, so exact anywhere.

    The centre of target pixel i lies at source pixel (i + 1/2) · 8/28 - 1/2 = (4i - 5)/14: all weights are 14ths.
    """
    place = np.clip(4 * np.arange(28) - 5, 0, 7 * 14)
    weights = np.maximum(0, 14 - np.abs(place[:, None] - 14 * np.arange(8)))
    scaled: np.ndarray = weights @ images @ weights.T
    return ((scaled * 255 + 8 * 14 * 14) // (16 * 14 * 14)).astype(np.uint8)


def clouds(samples: int, features: int, classes: int) -> Raw:
    """Four clouds a class in a space of sixteen hidden variables, which a linear map turns into pixels, with noise."""
    random = np.random.Generator(np.random.Philox(key=0))
    centres = random.normal(size=(classes, 4, 16))
    to_pixels = random.normal(size=(16, features)) * 12
    total = samples + -(-samples // 6)
    labels = random.integers(classes, size=total)
    hidden = centres[labels, random.integers(4, size=total)] + 0.5 * random.normal(size=(total, 16))
    images = np.empty((total, features), np.uint8)
    for start in range(0, total, 4096):  # a few rows at a time, so that float64 costs little memory
        rows = hidden[start : start + 4096] @ to_pixels
        noise = random.integers(256, size=rows.shape, dtype=np.uint8)
        images[start : start + 4096] = np.clip(np.rint(rows + noise * 0.25 + 96), 0, 255)
    return Raw(images[:samples], labels[:samples], images[samples:], labels[samples:], classes)
