"""A unit of a sweep's work that any scheduler can start, and start again: `python -m trainer.sweep.unit SWEEP_DIR CELLS…`

CELLS are numbers and ranges of cells in the order of sweep.json, from 0: `0 3 8-15`. Those that have ended are passed over, those
with a checkpoint go on, the rest begins. Where another process trains one of them, the unit waits until it leaves. It says how it
goes on stdout, a JSON object a line. SIGTERM saves everything and ends it with 143.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.errors import STOPPED, ConfigError, ExitCode, Stopped
from trainer.records import Status
from trainer.report.guarded import say
from trainer.run.signals import Signals
from trainer.sweep.cells import SWEEP, Cell, read_sweep
from trainer.sweep.data import SweepData
from trainer.sweep.dispatch import LocalEngine
from trainer.sweep.existing import Existing
from trainer.sweep.pipe import Reports
from trainer.sweep.plan import one_thread_each
from trainer.sweep.progress import Progress
from trainer.sweep.scheduler import Scheduler

INTERVAL = 2.0  # seconds between two reports of progress


class Voice:
    """A unit's view and results at once: what others draw and keep is said, an event at a time."""

    def __init__(self, cells: Sequence[Cell], report: Callable[..., None]):
        self.numbers = {cell.name: number for number, cell in enumerate(cells)}
        self.report = report
        self.summaries: dict[int, dict[str, Any]] = {}
        self.refused: OSError | None = None
        self.next = 0.0

    def watching(self, progress: Progress) -> Voice:
        self.progress = progress
        return self

    def take(self, cell: int, summary: dict[str, Any]) -> None:
        self.summaries[cell] = summary
        if summary["status"] not in STOPPED:  # those will go on, here or elsewhere
            self.report("ended", cell=cell)

    def tick(self) -> None:
        if self.progress.shares and time.monotonic() >= self.next:
            best = self.progress.best and (self.progress.best[0], self.numbers[self.progress.best[1]])
            self.report("progress", cells=self.progress.share() * self.progress.cells, best=best)
            self.next = time.monotonic() + INTERVAL

    def warn(self, text: str, title: str | None = None) -> None:
        self.report("warning" if title is None else "notice", text=text)

    def say(self, text: str, style: str = "") -> None: ...

    def attempt(self, action: Callable[[], Any]) -> None: ...

    def write_soon(self) -> None: ...

    def write(self) -> None: ...

    def refusal(self) -> str:
        return ""

    def __enter__(self) -> Voice:
        return self

    def __exit__(self, *_: object) -> None: ...


def run_unit(directory: Path, numbers: Sequence[int], report: Callable[..., None], workers: int | None = None) -> bool:
    """Train what is left of these cells, on this machine; whether none of them failed. Raises ConfigError, and Stopped when a
    signal has ended it and all is saved. `report` is called as `pipe.Reports` is; "done" comes last."""
    cells, settings = read_sweep(directory)
    if not cells:
        raise ConfigError(f"{directory} holds no {SWEEP}, so there is no sweep to work at.")
    if wrong := [number for number in numbers if number >= len(cells)]:
        raise ConfigError(f"There is no cell {wrong[0]} in {directory}: they are 0 to {len(cells) - 1}.")
    engine = LocalEngine(workers)
    slots = engine.slots({cells[number].experiment.device for number in numbers}, len(numbers))
    prepared = [replace(cell, experiment=one_thread_each(cell.experiment, slots)) for cell in cells]
    found = {number: Existing() for number in numbers}  # how they stand is seen by who holds them
    voice, data = Voice(cells, report), SweepData(frozenset(), ())
    scheduler = Scheduler(prepared, found, data, engine, slots, directory, settings, voice, voice.watching)
    with Signals() as signals:
        signals.training = True
        scheduler.work(lambda: signals.status)
    if signals.status:
        report("stopped")
        raise Stopped(signals.status)
    report("done")
    return all(summary["status"] != Status.FAILED for summary in voice.summaries.values())


def main(words: Sequence[str]) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.sweep.unit", description="Train what is left of some cells of a sweep."
    )
    parser.add_argument("sweep", type=Path, metavar="SWEEP_DIR")
    parser.add_argument("cells", nargs="+", metavar="CELLS", help="numbers or ranges, from 0: 0 3 8-15")
    parser.add_argument("--workers", type=int, metavar="N", help="processes; default: one a core, or one a GPU")
    asked = parser.parse_args(words)
    try:
        return (
            ExitCode.DONE if run_unit(asked.sweep, parsed(asked.cells), Reports(), asked.workers) else ExitCode.CRASHED
        )
    except ConfigError as error:
        say(str(error))
        return ExitCode.WRONG
    except Stopped as stop:
        return STOPPED[stop.status]


def parsed(words: Sequence[str]) -> list[int]:
    """`["0", "3", "8-10"]` → `[0, 3, 8, 9, 10]`, each once. Raises ConfigError."""
    numbers: dict[int, None] = {}
    for word in words:
        first, dash, last = word.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ConfigError(f"'{word}' is no cell: type numbers and ranges from 0, for instance 0 3 8-15.")
        numbers |= dict.fromkeys(range(int(first), int(last or first) + 1))
    if not numbers:
        raise ConfigError(f"{' '.join(words)} names no cell: a range goes from its lower to its higher number.")
    return list(numbers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
