"""Looks at a sweep before it was complete: sweep.json tells how it grew once there were results to see."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from trainer.compare.sweep_file import sweep_in

GROWING = ("seeds", "epochs")
"""What grows where somebody looked and wanted more; other cells are other questions."""


def looks(folder: Path) -> Iterator[str]:
    """`5 → 10 → 20 seeds`, for each quantity of the sweep in `folder` that grew after a look."""
    history = sweep_in(folder).history
    for name in GROWING:
        counts = [entry[name] for entry in history if isinstance(entry.get(name), int | float)]
        steps = counts[:1] + [now for before, now in pairwise(counts) if now > before]
        if len(steps) > 1:
            yield f"{' → '.join(f'{count:g}' for count in steps)} {name}"
