"""Arrays of a run in a file, written whole and read with care: a run's directory may come from a stranger."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any, TypeVar

import numpy as np

from trainer.identity import FORMAT, READABLE
from trainer.report.files import nothing, write_whole
from trainer.report.reading import read_whole
from trainer.report.stored import stored_arrays

T = TypeVar("T")
UNFIT = (
    *(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, MemoryError, OverflowError),
    *(RecursionError, SyntaxError, TokenError, zipfile.BadZipFile),
)
"""What a damaged or a strange file raises."""


def write_arrays(
    path: Path, arrays: Mapping[str, Any], compressed: bool = False, check: Callable[[], None] = nothing
) -> None:
    """Replace an .npz file, with the number of its format; `check` as in `write_whole`. Raises OSError."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **{"format": FORMAT, **arrays})
    write_whole(path, buffer.getvalue(), check)


def read_arrays(path: Path, largest: int, take: Callable[[Mapping[str, np.ndarray]], T]) -> T | None:
    """What `take` makes of the arrays in a file; None where there is no file, it holds more than `largest` bytes, packed or
    unpacked, is of another format, or `take` raises one of UNFIT."""
    try:
        data = read_whole(path, largest)
        if arrays := stored_arrays(data):
            return _taken(arrays, take)
        with np.load(io.BytesIO(data), allow_pickle=False) as content:
            unpacked = sum(part.file_size for part in content.zip.infolist())
            return _taken(content, take) if unpacked <= largest else None
    except UNFIT:
        return None


def _taken(arrays: Mapping[str, np.ndarray], take: Callable[[Mapping[str, np.ndarray]], T]) -> T | None:
    return take(arrays) if int(arrays["format"]) in READABLE else None
