"""hits.npz: which validation and test images a run's final network got right, a bit an image."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.identity import FORMAT, READABLE
from trainer.report.files import write_whole

HITS = "hits.npz"
SPLITS = ("valid", "test")
LARGEST = 1 << 26  # bytes, packed and unpacked, of a file that is opened


@dataclass(frozen=True)
class Hits:
    """Right answers by split, bool [N] each; `digest` is that of the data set, `split` says which images are held out."""

    right: dict[str, np.ndarray]
    digest: str
    split: str


def write_hits(directory: Path, right: Mapping[str, np.ndarray], digest: str, split: str) -> None:
    """Replace the run's file. Raises OSError."""
    arrays: dict[str, Any] = {"format": FORMAT, "digest": digest, "split": split}
    for name, answers in right.items():
        arrays |= {name: np.packbits(answers), f"{name}_images": len(answers)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(directory / HITS, buffer.getvalue())


def read_hits(directory: Path) -> Hits | None:
    """What the run's file holds; None where there is none, or none that this version can read."""
    path = directory / HITS
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        file = io.BytesIO(path.read_bytes())
        if sum(part.file_size for part in zipfile.ZipFile(file).infolist()) > LARGEST:
            return None
        with np.load(file, allow_pickle=False) as content:
            if int(content["format"]) not in READABLE:
                return None
            right = {name: _unpacked(content, name) for name in SPLITS if name in content}
            return Hits(right, str(content["digest"]), str(content["split"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError, zipfile.BadZipFile):
        return None


def _unpacked(content: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    bits, images = np.unpackbits(content[name]), int(content[f"{name}_images"])
    if not 0 <= images <= len(bits):
        raise ValueError("more images than bits")
    return bits[:images].astype(bool)
