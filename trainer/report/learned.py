"""learned.npz: what a network has learned, as numbers small enough to keep: what it confuses, its worst mistakes, its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from trainer.report.arrays import read_arrays, write_arrays

LEARNED = "learned.npz"
LARGEST = 1 << 24  # bytes, packed and unpacked, of a file that is opened
MISTAKES, UNITS, BINS = 16, 16, 60  # of each at most
MOST = 1000  # histograms

Histogram = tuple[np.ndarray, np.ndarray]
"""Counts [BINS] and the edges of the bins [BINS + 1]."""


@dataclass(frozen=True)
class Learned:
    """Of a network on the images of one `split`.

    confusion [C, C]: images of class i (row) that were taken for class j. Of the worst mistakes, the most confident first:
    images [m, features], `predicted` and `true` classes [m], `confidence`: the probability given to the prediction [m]. weights
    [u, features]: the first layer's units with the longest weights. `histograms` of all weights and of their gradients, by layer.
    """

    split: str
    confusion: np.ndarray
    images: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    confidence: np.ndarray
    weights: np.ndarray
    histograms: Mapping[str, Histogram]


ARRAYS = [field.name for field in fields(Learned) if field.name not in ("split", "histograms")]


def write_learned(directory: Path, learned: Learned) -> None:
    """Replace the run's file. Raises OSError."""
    arrays: dict[str, Any] = {"split": learned.split, **{name: getattr(learned, name) for name in ARRAYS}}
    for name, (counts, edges) in learned.histograms.items():
        arrays |= {f"histogram/{name}/counts": counts, f"histogram/{name}/edges": edges}
    write_arrays(directory / LEARNED, arrays, compressed=True)


def read_learned(directory: Path) -> Learned | None:
    """What the run's file holds; None where there is none, or none that this version can read."""
    return read_arrays(directory / LEARNED, LARGEST, _checked)


def _checked(content: Mapping[str, np.ndarray]) -> Learned:
    """The arrays, after their shapes and kinds were found to fit; what no picture can hold is brought into bounds.
    ValueError, KeyError, TypeError or IndexError."""
    arrays = {name: _bounded(content[name]) for name in ARRAYS}
    if any(arrays[name].dtype.kind == "f" for name in ("confusion", "predicted", "true")):
        raise ValueError("counts and classes that are no whole numbers")
    names = dict.fromkeys(key.rpartition("/")[0] for key in content if key.startswith("histogram/"))
    histograms = {
        name.partition("/")[2]: (_bounded(content[f"{name}/counts"]), _bounded(content[f"{name}/edges"]))
        for name in names
    }
    learned = Learned(split=str(content["split"])[:20], histograms=histograms, **arrays)
    if not (_fits(learned) and all(_is_histogram(*pair) for pair in histograms.values())):
        raise ValueError("arrays of other shapes")
    return learned


def _bounded(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iuf":
        raise ValueError("no numbers")
    return array if array.dtype.kind != "f" else np.clip(np.nan_to_num(array), -1e30, 1e30)


def _fits(learned: Learned) -> bool:
    classes, mistakes, (units, features) = len(learned.confusion), len(learned.images), learned.weights.shape
    wanted: dict[str, tuple[int, ...]] = {"confusion": (classes, classes), "images": (mistakes, features)}
    wanted |= dict.fromkeys(("predicted", "true", "confidence"), (mistakes,))
    few = mistakes <= MISTAKES and 0 < units <= UNITS and len(learned.histograms) <= MOST
    return few and features > 0 < classes and all(getattr(learned, name).shape == size for name, size in wanted.items())


def _is_histogram(counts: np.ndarray, edges: np.ndarray) -> bool:
    return counts.ndim == 1 and 0 < len(counts) <= BINS and edges.shape == (len(counts) + 1,)
