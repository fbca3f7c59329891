"""The arrays of a user's .npz file, found by name; no pickle in it is opened."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from trainer.errors import DataError

NAMES = ("x_train", "y_train", "x_test", "y_test")
"""Keras's names: training images and labels, test images and labels."""


class Npz:
    """Images and labels of a file, each read when it is asked for."""

    def __init__(self, path: Path):
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self.members = {name.removesuffix(".npy") for name in archive.namelist()}
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} can't be read as an .npz file ({error}).") from None
        self.names = self._names()

    def _names(self) -> dict[str, str]:
        """What is called how: Keras's names, or x and y with x_test and y_test where there are any."""
        names = dict(zip(("train images", "train labels", "test images", "test labels"), NAMES, strict=True))
        if not {"x_train", "y_train"} <= self.members:
            names |= {"train images": "x", "train labels": "y"}
        if not {names["train images"], names["train labels"]} <= self.members or (
            ("x_test" in self.members) != ("y_test" in self.members)
        ):
            found = ", ".join(sorted(self.members)[:8]) or "nothing"
            raise DataError(
                f"{self.path} should hold x_train, y_train, x_test and y_test, or x and y; it holds {found}."
            )
        return {what: name for what, name in names.items() if name in self.members}

    def shape(self, part: str) -> tuple[int, ...] | None:
        """The shape of a part's images, from the header alone; None where there is no such part."""
        name = self.names.get(f"{part} images")
        if name is None:
            return None
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as member:
                version = np.lib.format.read_magic(member)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                return read(member)[0]
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{name} in {self.path} can't be read ({error}).") from None

    def images(self, part: str) -> np.ndarray:
        return self._array(self.names[f"{part} images"])

    def labels(self, part: str) -> np.ndarray | None:
        name = self.names.get(f"{part} labels")
        return None if name is None else self._array(name)

    def _array(self, name: str) -> np.ndarray:
        try:
            with np.load(self.path, allow_pickle=False) as content:
                array: np.ndarray = content[name]
                return array
        except (OSError, ValueError, KeyError, MemoryError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{name} in {self.path} can't be read ({' '.join(str(error).split())[:120]}).") from None
