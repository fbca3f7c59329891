"""learned.npz: what a network has learned, as numbers small enough to keep: what it confuses, its worst mistakes, its weights."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from trainer.identity import FORMAT, READABLE
from trainer.report.files import write_whole

LEARNED = "learned.npz"
LARGEST = 1 << 24  # bytes, packed and unpacked, of a file that is opened
MISTAKES, UNITS, BINS = 16, 16, 60  # of each at most

Histogram = tuple[np.ndarray, np.ndarray]
"""Counts [BINS] and the edges of the bins [BINS + 1]."""


@dataclass(frozen=True)
class Learned:
    """Of a network on the images of one `split`.

    confusion [C, C]: images of class i (row) that were called class j. Of the worst mistakes, the surest first: images
    [m, features], `said` and `right` classes [m], `sure`: the probability given to what was said [m]. weights [u, features]:
    the first layer's units with the longest weights. `histograms` of all weights and of their gradients, by layer.
    """

    split: str
    confusion: np.ndarray
    images: np.ndarray
    said: np.ndarray
    right: np.ndarray
    sure: np.ndarray
    weights: np.ndarray
    histograms: Mapping[str, Histogram]


ARRAYS = [field.name for field in fields(Learned) if field.name not in ("split", "histograms")]


def write_learned(directory: Path, learned: Learned) -> None:
    """Replace the run's file. Raises OSError."""
    arrays: dict[str, Any] = {"format": FORMAT, "split": learned.split}
    arrays |= {name: getattr(learned, name) for name in ARRAYS}
    for name, (counts, edges) in learned.histograms.items():
        arrays |= {f"histogram/{name}/counts": counts, f"histogram/{name}/edges": edges}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_whole(directory / LEARNED, buffer.getvalue())


def read_learned(directory: Path) -> Learned | None:
    """What the run's file holds; None where there is none, or none that this version can read."""
    path = directory / LEARNED
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        file = io.BytesIO(path.read_bytes())
        if sum(part.file_size for part in zipfile.ZipFile(file).infolist()) > LARGEST:
            return None
        with np.load(file, allow_pickle=False) as content:
            return _checked(content) if int(content["format"]) in READABLE else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError, zipfile.BadZipFile):
        return None


def _checked(content: Mapping[str, np.ndarray]) -> Learned:
    """The arrays, after their shapes and kinds were found to fit. ValueError or KeyError."""
    arrays = {name: np.nan_to_num(content[name]) for name in ARRAYS}
    names = dict.fromkeys(key.rpartition("/")[0] for key in content if key.startswith("histogram/"))
    found = {name.partition("/")[2]: (content[f"{name}/counts"], content[f"{name}/edges"]) for name in names}
    learned = Learned(split=str(content["split"])[:20], histograms=found, **arrays)
    classes, mistakes = len(learned.confusion), len(learned.images)
    wanted = {
        "confusion": (classes, classes),
        "images": (mistakes, learned.weights.shape[1]),
        **dict.fromkeys(("said", "right", "sure"), (mistakes,)),
    }
    fits = all(getattr(learned, name).shape == shape for name, shape in wanted.items())
    plain = all(
        array.dtype.kind in "iuf" for array in (*arrays.values(), *(a for pair in found.values() for a in pair))
    )
    bins = all(counts.ndim == 1 and edges.shape == (len(counts) + 1,) for counts, edges in found.values())
    if not (fits and plain and bins and mistakes <= MISTAKES and len(learned.weights) <= UNITS and len(found) <= 200):
        raise ValueError("arrays of other shapes or kinds")
    return learned
