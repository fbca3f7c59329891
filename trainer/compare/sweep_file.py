"""sweep.json as far as a comparison needs it, read once: it is as long as its sweep is large."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from trainer.report.reading import read_json_list

SWEEP = "sweep.json"


class Sweep(NamedTuple):
    """The place of each cell in the sweep's command, by name; the entries of the history of its growth."""

    cells: dict[str, int]
    history: list[dict[str, Any]]


def sweep_in(folder: Path) -> Sweep:
    """The sweep in `folder`; empty where there is none that can be read."""
    try:
        found = os.stat(folder / SWEEP)
        return _read(folder / SWEEP, found.st_ino, found.st_size, found.st_mtime_ns)
    except (OSError, ValueError):
        return Sweep({}, [])


@lru_cache(maxsize=1000)
def _read(path: Path, *version: int) -> Sweep:
    content = read_json_list(path)
    return Sweep(_cells(content), _history(content))


def _cells(content: Any) -> dict[str, int]:
    try:
        return {cell["name"]: i for i, cell in enumerate(content["cells"]) if Path(cell["name"]).name == cell["name"]}
    except (ValueError, KeyError, TypeError):
        return {}


def _history(content: Any) -> list[dict[str, Any]]:
    history = content.get("history") if isinstance(content, dict) else None
    return [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
