"""The real command with a stop-watch around all that it does beside updates: `python -m benchmarks.inside FILE WORD…`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import cli
from trainer.engine.chunks import Chunks
from trainer.run.run_directory import RunDirectory
from trainer.run.screen import Screen
from trainer.run.stack_run import StackRun

WATCHED: dict[str, list[tuple[type, str]]] = {
    "console": [(Screen, "tick"), (Screen, "record")],
    "files and TensorBoard": [(RunDirectory, "record")],
    "checkpoints": [(StackRun, "save")],
    "evaluation": [(Chunks, "evaluate")],
    "end": [(RunDirectory, "end")],
}


def watched(function: Callable[..., Any], name: str, spent: Counter[str]) -> Callable[..., Any]:
    """The function, whose time is added to `spent`."""

    def timed(*args: Any, **keys: Any) -> Any:
        start = perf_counter()
        try:
            return function(*args, **keys)
        finally:
            spent[name] += perf_counter() - start  # type: ignore[assignment]  # seconds are counted

    return timed


def main(file: str, *words: str) -> int:
    """Run `train words` and write the seconds of each part into `file`."""
    spent: Counter[str] = Counter()
    for name, methods in WATCHED.items():
        for owner, method in methods:
            setattr(owner, method, watched(getattr(owner, method), name, spent))
    code = cli.run(list(words))
    Path(file).write_text(json.dumps(spent), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
