"""Four IDX files of any size in a folder, under either usual name, packed or not."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from trainer.data.idx import KINDS
from trainer.errors import DataError

PARTS = {"train": ("train",), "test": ("t10k", "test")}


class IdxFolder:
    """The files of `path`: a folder, or the beginning of their names in one (`EMNIST/emnist-letters`)."""

    def __init__(self, path: Path):
        self.path = path
        self.folder, self.prefix = (path, "") if path.is_dir() else (path.parent, f"{path.name}-")
        self.files = {(part, what): self._find(part, what) for part in PARTS for what in ("images", "labels")}
        if self.prefix and not any(self.files.values()):
            raise DataError(
                f"dataset.path={path}: there is no such file or folder. "
                "Type dataset.path=FILE.npz, or a folder with four IDX files."
            )
        missing = [
            key for key, found in self.files.items() if found is None and (key[0] == "train" or self._half(key[0]))
        ]
        if missing:
            names, lacking = (", ".join(self._names(*key)[0] for key in keys) for keys in (self.files, missing))
            raise DataError(
                f"dataset.path={path} is no .npz file, and as a folder it lacks {lacking}. "
                f"Expected: {names} (or train-images.idx3-ubyte and so on; each may be packed, .gz; no test files: the last "
                "sixth is the test set)."
            )

    def _half(self, part: str) -> bool:
        return any(self.files[part, what] for what in ("images", "labels"))

    def _names(self, part: str, what: str) -> list[str]:
        kinds = ("idx3-ubyte", "idx3-float") if what == "images" else ("idx1-ubyte", "idx1-int")
        return [f"{self.prefix}{word}-{what}{dot}{kind}" for kind in kinds for word in PARTS[part] for dot in "-."]

    def _find(self, part: str, what: str) -> Path | None:
        names = (f"{name}{packed}" for name in self._names(part, what) for packed in ("", ".gz"))
        return next((self.folder / name for name in names if (self.folder / name).is_file()), None)

    def shape(self, part: str) -> tuple[int, ...] | None:
        """The shape of a part's images, from the header alone; None where there is no such part."""
        path = self.files[part, "images"]
        return None if path is None else _header(path)[1]

    def images(self, part: str) -> np.ndarray:
        return _array(cast(Path, self.files[part, "images"]))

    def labels(self, part: str) -> np.ndarray | None:
        path = self.files[part, "labels"]
        return None if path is None else _array(path)


def _header(path: Path) -> tuple[str, tuple[int, ...]]:
    """The kind of values and the shape. Raises DataError."""
    try:
        with _opened(path) as file:
            return _read_header(file, path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error}).") from None


def _array(path: Path) -> np.ndarray:
    try:
        with _opened(path) as file:
            kind, shape = _read_header(file, path)
            size = math.prod(shape) * np.dtype(kind).itemsize
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error}).") from None
    if len(content) != size:
        more = "more" if len(content) > size else "fewer"
        raise DataError(f"{path} is damaged: it has {more} values than its header says, {shape}.")
    values = np.frombuffer(content, kind).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path) if path.suffix == ".gz" else open(path, "rb"))


def _read_header(file: BinaryIO, path: Path) -> tuple[str, tuple[int, ...]]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in KINDS or not 1 <= start[3] <= 4:
        raise DataError(f"{path} does not begin as an IDX file.")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(f"{path} ends in its header.")
    return KINDS[start[2]], tuple(np.frombuffer(sizes, ">u4").tolist())
