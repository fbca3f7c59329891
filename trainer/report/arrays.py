"""Arrays of a run in a file, written whole and read with care: a run's directory may come from a stranger."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from trainer.identity import FORMAT, READABLE
from trainer.report.files import nothing, write_whole

T = TypeVar("T")
UNFIT = (
    *(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, MemoryError, OverflowError),
    *(RecursionError, zipfile.BadZipFile),
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
        if not path.is_file() or path.stat().st_size > largest:
            return None
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            if sum(part.file_size for part in content.zip.infolist()) > largest:
                return None
            return take(content) if int(content["format"]) in READABLE else None
    except UNFIT:
        return None
