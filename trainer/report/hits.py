"""hits.npz: which validation and test images a run's final network got right, a bit an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.report.arrays import read_arrays, write_arrays
from trainer.report.files import nothing

HITS = "hits.npz"
SPLITS = ("valid", "test")
LARGEST = 1 << 26  # bytes, packed and unpacked, of a file that is opened


@dataclass(frozen=True)
class Hits:
    """Right answers by split, bool [N] each; `digest` is that of the data set, `split` says which images are held out."""

    right: dict[str, np.ndarray]
    digest: str
    split: str


def write_hits(
    directory: Path, right: Mapping[str, np.ndarray], digest: str, split: str, check: Callable[[], None] = nothing
) -> None:
    """Replace the run's file; `check` as in `write_whole`. Raises OSError."""
    arrays: dict[str, Any] = {"digest": digest, "split": split}
    for name, answers in right.items():
        arrays |= {name: np.packbits(answers), f"{name}_images": len(answers)}
    write_arrays(directory / HITS, arrays, check=check)


def read_hits(directory: Path) -> Hits | None:
    """What the run's file holds; None where there is none, or none that this version can read."""
    return read_arrays(directory / HITS, LARGEST, _taken)


def _taken(content: Mapping[str, np.ndarray]) -> Hits:
    right = {name: _unpacked(content, name) for name in SPLITS if name in content}
    return Hits(right, str(content["digest"]), str(content["split"]))


def _unpacked(content: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    bits, images = np.unpackbits(content[name]), int(content[f"{name}_images"])
    if not 0 <= images <= len(bits):
        raise ValueError("more images than bits")
    return bits[:images].astype(bool)
