"""hits.npz: which validation and test images a run's final network got right, a bit an image."""

from __future__ import annotations

import json
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
    images = {name: len(answers) for name, answers in right.items()}
    facts = json.dumps({"digest": digest, "split": split, "images": images})  # as one array: each costs time to read
    bits = {name: np.packbits(answers) for name, answers in right.items()}
    write_arrays(directory / HITS, {"facts": facts, **bits}, check=check)


def read_hits(directory: Path) -> Hits | None:
    """What the run's file holds; None where there is none, or none that this version can read."""
    return read_arrays(directory / HITS, LARGEST, _taken)


def _taken(content: Mapping[str, np.ndarray]) -> Hits:
    facts = json.loads(str(content["facts"])) if "facts" in content else _facts_apart(content)
    right = {name: _unpacked(content[name], int(images)) for name, images in facts["images"].items() if name in SPLITS}
    return Hits(right, str(facts["digest"]), str(facts["split"]))


def _facts_apart(content: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The facts as they were first written, an array each."""
    images = {name: content[f"{name}_images"] for name in SPLITS if name in content}
    return {"digest": content["digest"], "split": content["split"], "images": images}


def _unpacked(bits: np.ndarray, images: int) -> np.ndarray:
    answers = np.unpackbits(bits)
    if not 0 <= images <= len(answers):
        raise ValueError("more images than bits")
    return answers[:images].view(bool)
