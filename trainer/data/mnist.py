"""The data sets that lie on disk or are downloaded: MNIST and two of its kin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from trainer.data import idx
from trainer.data.dataset import Dataset, Raw
from trainer.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from trainer.data.transfer import Sources


@dataclass(frozen=True, kw_only=True)
class Mnist(Dataset):
    """60,000 and 10,000 handwritten digits of 28×28 (LeCun, Cortes): from `root`, or else downloaded into it.

    Laid out as torchvision does: <root>/MNIST/raw/train-images-idx3-ubyte and so on, unpacked or .gz.
    """

    name: ClassVar[str] = "mnist"
    folder: ClassVar[str] = "MNIST"  # the name of torchvision's class, and of the folder it makes
    sizes: ClassVar[tuple[int, int]] = (60_000, 10_000)
    sha256: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    root: str = field(default_factory=lambda: os.environ.get("TRAIN_DATA", "data"))
    fallback: Literal["digits", "synthetic"] | None = "digits"

    @property
    def training(self) -> int:
        return self.sizes[0]

    @property
    def path(self) -> Path:
        """Where the four files lie."""
        return Path(self.root).expanduser() / self.folder / "raw"

    def is_there(self) -> bool:
        """Whether its files lie at its root, in whatever state."""
        return all(idx.lies_in(self.path, file.name) for file in self.files())

    def files(self) -> tuple[idx.IdxFile, ...]:
        """Training images, training labels, test images, test labels."""
        return idx.idx_files(*self.sizes)

    def sources(self) -> Sources:
        """Where the files can be downloaded from."""
        from trainer.data.download import torchvision_sources

        return torchvision_sources(self.folder)

    def read(self) -> Raw:
        """From disk, every file checked; what is missing or damaged is downloaded first.

        Raises Unreachable where a missing file can't be had, DataError for a damaged one that can't be
        replaced: a damaged set is somebody's data gone wrong, and no reason to train on another set. What no
        download of ours put there is never replaced.
        """
        files = self.files()
        good, bad = idx.read_all(self.path, files, self.sha256)
        damaged = [f"{self.path / file.name} {fault}" for file, fault in bad.items() if isinstance(fault, idx.Damaged)]
        if bad:
            self._refuse(idx.not_ours(self.path, bad))
            self._fetch(files, damaged)
            good, bad = idx.read_all(self.path, files, self.sha256)
        if bad:
            raise DataError(f"{self.path} changed while it was read: {'; '.join(f.name for f in bad)}; start again.")
        replaced = (
            f"Damaged, kept as *.damaged, and replaced by a fresh download: {'; '.join(damaged)}." if damaged else None
        )
        images, labels, test_images, test_labels = (good[file] for file in files)
        return Raw(images, _classes(labels), test_images, _classes(test_labels), notice=replaced)

    def _refuse(self, foreign: Mapping[idx.IdxFile, idx.Damaged]) -> None:
        if foreign:
            found = "; ".join(f"{self.path / file.name} {fault}" for file, fault in foreign.items())
            raise DataError(
                f"Not {self.name}: {found}. train did not download it, so it is left as it is. Move it out of "
                f"{self.path}, or set dataset.root to a folder with {self.name} or with nothing in it."
            )

    def _fetch(self, files: tuple[idx.IdxFile, ...], damaged: list[str]) -> None:
        from trainer.data.download import fetch

        try:
            fetch(self.path, files, self.sha256, self.sources())
        except idx.Unreachable as error:
            if not damaged:
                raise
            raise DataError(
                f"Damaged: {'; '.join(damaged)}. A new copy could not be had: {error}\n"
                f"Run again with a network: what is damaged is kept under another name, and good files take its place."
            ) from error


@dataclass(frozen=True, kw_only=True)
class FashionMnist(Mnist):
    """Clothes in MNIST's format (Zalando)."""

    name: ClassVar[str] = "fashion_mnist"
    folder: ClassVar[str] = "FashionMNIST"
    sha256: ClassVar[dict[str, str]] = {}  # noted beside the files by the download, whose MD5 is published


@dataclass(frozen=True, kw_only=True)
class Kmnist(Mnist):
    """Cursive Japanese in MNIST's format (CODH)."""

    name: ClassVar[str] = "kmnist"
    folder: ClassVar[str] = "KMNIST"
    sha256: ClassVar[dict[str, str]] = {}  # as for FashionMnist


@dataclass(frozen=True, kw_only=True)
class Qmnist(Mnist):
    """MNIST rebuilt from its source, with all 60,000 test digits (Yadav & Bottou 2019)."""

    name: ClassVar[str] = "qmnist"
    folder: ClassVar[str] = "QMNIST"
    sizes: ClassVar[tuple[int, int]] = (60_000, 60_000)
    sha256: ClassVar[dict[str, str]] = {}  # as for FashionMnist

    def files(self) -> tuple[idx.IdxFile, ...]:
        images = [idx.IdxFile(f"qmnist-{part}-images-idx3-ubyte", (60_000, 28, 28)) for part in ("train", "test")]
        labels = [idx.IdxFile(f"qmnist-{part}-labels-idx2-int", (60_000, 8), kind=0x0C) for part in ("train", "test")]
        return images[0], labels[0], images[1], labels[1]


def _classes(labels: np.ndarray) -> np.ndarray:
    """Of QMNIST's eight numbers an image (class, source, writer, …) the first."""
    return labels if labels.ndim == 1 else labels[:, 0]
