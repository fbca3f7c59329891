"""The four IDX files of MNIST and similar data sets: where they lie, and every check a file must pass before it is used."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.errors import DataError

if TYPE_CHECKING:
    import numpy as np

SUMS = "SHA256SUMS"  # beside the files, as `sha256sum -c` reads it: the digests of what a verified download unpacked


KINDS = {8: "u1", 9: "i1", 0xB: ">i2", 0xC: ">i4", 0xD: ">f4", 0xE: ">f8"}
"""What the values of a file are, by its third byte."""


class Unreachable(DataError):
    """Files that no source would give: the text names every source tried and its reason."""


class Missing(Exception):
    """A file that is not there."""


class Damaged(Exception):
    """A file that is there and cannot be right."""


class Foreign(Damaged):
    """A file that is whole, and of another set: somebody's own data, which nothing here may replace."""


@dataclass(frozen=True)
class IdxFile:
    """One file of a set: its name, the shape it must have, and for labels how many classes there are."""

    name: str
    shape: tuple[int, ...]
    classes: int = 256
    kind: int = 8  # of its values, by the format: 8 bytes, 0x0C whole numbers of four bytes

    def parse(self, content: bytes) -> np.ndarray:
        """The bytes of an unpacked file as values of `shape`, a view without a copy. Raises Damaged."""
        import numpy as np

        start, item = 4 + 4 * len(self.shape), np.dtype(KINDS[self.kind]).itemsize
        if not content:
            raise Damaged("is empty")
        if len(content) < start or content[:4] != bytes([0, 0, self.kind, len(self.shape)]):
            raise Damaged("does not begin as an IDX file of its kind")
        found = tuple(np.frombuffer(content, ">u4", len(self.shape), offset=4).tolist())
        if found != self.shape:
            whole = len(content) == start + item * math.prod(found)
            raise (Foreign if whole else Damaged)(
                f"holds {_times(found)} values by its header instead of {_times(self.shape)}"
            )
        size = start + item * math.prod(self.shape)
        if len(content) != size:
            raise Damaged(f"has {len(content):,} bytes instead of {size:,}")
        values = np.frombuffer(content, KINDS[self.kind], offset=start).reshape(self.shape)
        if self.classes < 256 and values.max(initial=0) >= self.classes:
            raise Foreign(f"holds the label {values.max()}, and labels end at {self.classes - 1}")
        return values

    def read(self, folder: Path, digest: str | None) -> np.ndarray:
        """The file in `folder`, unpacked or else its .gz, as uint8 of `shape`.

        `digest` is the SHA-256 of the unpacked bytes in hexadecimal; None: nobody knows it.
        Raises Missing, Damaged, and DataError where the file may not be read.
        """
        content = _content(folder / self.name)
        values = self.parse(content)
        if digest is not None and hashlib.sha256(content).hexdigest() != digest:
            raise Damaged("has the right size but not the right SHA-256")
        return values


def idx_files(training: int, test: int, shape: tuple[int, int] = (28, 28), classes: int = 10) -> tuple[IdxFile, ...]:
    """Training images, training labels, test images, test labels, in this order, under their usual names."""

    def pair(part: str, count: int) -> Iterator[IdxFile]:
        yield IdxFile(f"{part}-images-idx3-ubyte", (count, *shape))
        yield IdxFile(f"{part}-labels-idx1-ubyte", (count,), classes)

    return (*pair("train", training), *pair("t10k", test))


def read_all(
    folder: Path, files: tuple[IdxFile, ...], published: Mapping[str, str]
) -> tuple[dict[IdxFile, np.ndarray], dict[IdxFile, Missing | Damaged]]:
    """What is good in `folder`, and what is not and why. `published`: SHA-256 by file name, where it is known."""
    good: dict[IdxFile, np.ndarray] = {}
    bad: dict[IdxFile, Missing | Damaged] = {}
    digests = {**sums(folder), **published}
    for file in files:
        try:
            good[file] = file.read(folder, digests.get(file.name))
        except (Missing, Damaged) as fault:
            bad[file] = fault
    return good, bad


def not_ours(folder: Path, bad: Mapping[IdxFile, Missing | Damaged]) -> dict[IdxFile, Damaged]:
    """Those of the `bad` files that no download of ours put there, so that none may replace them.

    Empty files hold nothing to lose, and beside a packed one that does not unpack a download is laid without harm.
    """
    noted = sums(folder)
    return {
        file: fault
        for file, fault in bad.items()
        if isinstance(fault, Foreign)
        or (isinstance(fault, Damaged) and file.name not in noted and _holds_something(folder / file.name))
    }


def lies_in(folder: Path, name: str) -> bool:
    """Whether a file is in `folder`, packed or not."""
    return any((folder / found).is_file() for found in (name, f"{name}.gz"))


def _holds_something(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def sums(folder: Path) -> dict[str, str]:
    """The digests noted in `folder` by an earlier download: SHA-256 by file name."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no note is a note that says nothing: the other checks remain
        return {}
    pairs = (line.split(maxsplit=1) for line in lines)
    return {pair[1].lstrip("*"): pair[0] for pair in pairs if len(pair) == 2 and len(pair[0]) == 64}


def _content(path: Path) -> bytes:
    packed = path.with_name(path.name + ".gz")
    try:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return gzip.decompress(packed.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise Missing("is not there") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Damaged(f"is there only as {packed.name}, which does not unpack ({error})") from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): correct its permissions, or set dataset.root to another folder."
        ) from None


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)
