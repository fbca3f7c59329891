"""Looks at a sweep before it was complete: sweep.json tells how it grew once there were results to see."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from trainer.report.reading import read_json_list

GROWING = ("seeds", "epochs")
"""What grows where somebody looked and wanted more; other cells are other questions."""


def looks(folder: Path) -> Iterator[str]:
    """`5 → 10 → 20 seeds`, for each quantity of the sweep in `folder` that grew after a look."""
    history = _history(folder)
    for name in GROWING:
        counts = [entry[name] for entry in history if isinstance(entry.get(name), int | float)]
        steps = counts[:1] + [now for before, now in pairwise(counts) if now > before]
        if len(steps) > 1:
            yield f"{' → '.join(f'{count:g}' for count in steps)} {name}"


def _history(folder: Path) -> list[dict[str, Any]]:
    try:
        history = read_json_list(folder / "sweep.json")["history"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
