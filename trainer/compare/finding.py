"""Where runs lie: every run's directory below the given ones, in the order they were started, and what was left out and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.compare.runs import Run, read_run
from trainer.compare.sweep_file import SWEEP, sweep_in
from trainer.errors import CompareError
from trainer.report.files import CONFIG, SUMMARY

SHOWN = 5  # names in a sentence


@dataclass(frozen=True)
class Found:
    """Runs in the order they were started; the sweeps met on the way, each with its cells and their places in its command; a
    sentence for each run that is left out."""

    runs: list[Run]
    sweeps: dict[Path, dict[str, int]]
    skipped: list[str]


def find_runs(roots: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """All runs in and below `roots`, in the order they were started, with one sentence for each that is left out or missing.

    Raises CompareError where a root does not exist, or none is a directory."""
    found = find(roots)
    missing = [sentence for folder, cells in found.sweeps.items() for sentence in _missing(folder, cells)]
    return found.runs, [*found.skipped, *missing]


def find(roots: Iterable[Path]) -> Found:
    """All runs and sweeps in and below `roots`. Raises CompareError as `find_runs` does."""
    skipped: list[str] = []
    folders = list(_folders(_directories(list(roots), skipped), skipped))
    runs: list[Run] = []
    for folder in (folder for folder, files in folders if {SUMMARY, CONFIG} <= files):
        try:
            runs.append(read_run(folder))
        except CompareError as error:
            skipped.append(f"Skipped {error}")
    sweeps = {folder: sweep_in(folder).cells for folder, files in folders if SWEEP in files}
    return Found(_told_apart(_in_order(runs)), sweeps, skipped)


def _directories(roots: Sequence[Path], warnings: list[str]) -> list[Path]:
    """The roots that are directories: `runs/*` may name a stray file among them."""
    for root in roots:
        if not os.path.exists(root):  # unlike Path.exists, it takes names that no directory can have
            raise CompareError(f"{root} does not exist; give directories that hold runs, for example runs/first.")
    directories = [root for root in roots if root.is_dir()]
    strays = [f"Skipped {root}: it is not a directory." for root in roots if not root.is_dir()]
    if not directories and strays:
        raise CompareError(f"{roots[0]} is not a directory; give directories that hold runs, for example runs/first.")
    warnings += strays
    return directories


def _folders(roots: Iterable[Path], warnings: list[str]) -> Iterator[tuple[Path, set[str]]]:
    """Each real directory in and below `roots` with the names of its files, once, by whatever links it is reached. A link
    that leads to a directory above its root is not followed: that would be a circle, or the whole disk."""
    seen: set[tuple[int, int]] = set()

    def unreadable(error: OSError) -> None:
        warnings.append(f"Skipped {error.filename}: it cannot be read ({error.strerror}).")

    for root in roots:
        above = {_identity(str(folder)) for folder in root.resolve().parents}
        for folder, subfolders, files in os.walk(root, onerror=unreadable, followlinks=True):
            identity = _identity(folder)
            if identity in seen or (identity in above and Path(folder) != root):
                subfolders.clear()
                continue
            seen.add(identity)
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            yield Path(folder), set(files)


def _identity(folder: str) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _in_order(runs: Sequence[Run]) -> list[Run]:
    """By their start; the runs of a sweep, which start in the order of its stacks, as its command named them."""
    folders = {run.directory.parent for run in runs}
    sweeps = {folder: sweep_in(folder).cells for folder in folders}
    began: dict[Path, float] = {}
    for run in runs:
        folder = run.directory.parent
        began[folder] = min(began.get(folder, run.started), run.started)

    def place(run: Run) -> tuple[float, int, str]:
        folder, name = run.directory.parent, run.directory.name
        cell = sweeps[folder].get(name)
        return (run.started, 0, name) if cell is None else (began[folder], cell, name)

    return sorted(runs, key=place)


def _missing(folder: Path, cells: Mapping[str, int]) -> Iterator[str]:
    """A sentence for the cells of a sweep that have no run (yet)."""
    missing = [name for name in cells if not os.path.exists(f"{folder}/{name}/{SUMMARY}")]
    if missing:
        names = ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
        yield f"{folder}: {len(missing)} of the {len(cells)} runs of this sweep are missing: {names}."


def _told_apart(runs: list[Run]) -> list[Run]:
    """Where one name stands for different data, as dataset=files may, the digest is added to it: these are never ranked."""
    digests: dict[str, set[str]] = {}
    for run in runs:
        digests.setdefault(run.dataset, set()).add(_digest(run))
    return [_named(run) if len(digests[run.dataset] - {""}) > 1 and _digest(run) else run for run in runs]


def _digest(run: Run) -> str:
    return str(run.summary.get("dataset_digest") or "")


def _named(run: Run) -> Run:
    return replace(run, settings=run.settings | {"dataset": f"{run.dataset} {_digest(run)[:8]}"})
