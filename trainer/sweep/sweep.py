"""A sweep from its cells to its table: what is there already, who trains the rest, how it ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.directories import alone
from trainer.fields import ConfigError
from trainer.signals import EXIT_CODES, Signals, Stopped
from trainer.sweep.cells import SWEEP, Cell, SweepSettings, check_prunable, read_sweep, write_sweep
from trainer.sweep.closing import conclude, opening
from trainer.sweep.data import find_data
from trainer.sweep.foreman import SweepForeman
from trainer.sweep.places import Place, find_places
from trainer.sweep.standing import move_aside, standing

CRASHED, WRONG = 1, 2


def run_sweep(cells: Sequence[Cell], directory: Path, settings: SweepSettings) -> list[dict[str, Any]]:
    """Train what is missing of `cells` in `directory`, show it, and return every cell's summary, in order.

    A cell that was never begun because another failed (`fail_fast`) has the status `waiting`. Raises ConfigError before
    anything is written, and Stopped when a signal has ended the sweep and all is saved.
    """
    names = [cell.name for cell in cells]
    if len(set(names)) < len(names):
        raise ValueError("Two cells of a sweep have the same name.")
    return _run(cells, directory, settings, extends=False)[: len(cells)]


def resume_sweep(directory: Path, epochs: int | None = None) -> int:
    """Go on with the sweep in `directory`, each run to `epochs` in all where given; returns the exit code."""
    try:
        cells, settings = read_sweep(directory)
        if not cells:
            raise ConfigError(f"{directory} holds no {SWEEP}, so there is no sweep to resume.")
        summaries = _run(_longer(cells, epochs), directory, settings, extends=epochs is not None)
    except ConfigError as error:
        print(f"train: {error}", file=sys.stderr)
        return WRONG
    except Stopped as stop:
        return EXIT_CODES[stop.status]
    return CRASHED if any(summary["status"] == "failed" for summary in summaries) else 0


def _longer(cells: Sequence[Cell], epochs: int | None) -> list[Cell]:
    if epochs is None:
        return list(cells)
    if any(cell.experiment.epochs > epochs for cell in cells):
        raise ConfigError(f"epochs={epochs} is less than this sweep was asked for.")
    if any(cell.experiment.epochs != epochs and cell.experiment.decay.has_horizon for cell in cells):
        print(
            f"train: decays with a horizon now end at epoch {epochs}: runs that go on follow the longer schedule from where "
            "they are, which is not the same as a run of that length from the start.",
            file=sys.stderr,
        )
    return [replace(cell, experiment=replace(cell.experiment, epochs=epochs)) for cell in cells]


def _run(cells: Sequence[Cell], directory: Path, settings: SweepSettings, extends: bool) -> list[dict[str, Any]]:
    check_prunable(cells, settings)
    places = find_places({c.experiment.device for c in cells}, settings.workers, len(cells))
    with alone(directory):
        every = [*cells, *_others(cells, directory)]
        prepared = [_prepared(cell, places) for cell in cells]
        results = {"completed", "diverged"} | ({"pruned"} if settings.prune else set())
        stands = [standing(cell, directory / cell.name, results, extends) for cell in cells]
        todo = [cell for cell, stand in zip(cells, stands, strict=True) if stand.summary is None]
        data = find_data(todo, every, directory)
        write_sweep(directory, every, settings)
        for cell, stand in zip(cells, stands, strict=True):
            if stand.replaced:
                move_aside(directory / cell.name)
        return _train(SweepForeman(prepared, every, stands, data, places, directory, settings))


def _train(foreman: SweepForeman) -> list[dict[str, Any]]:
    with Signals() as signals:
        signals.training = True
        with foreman.view as view:
            view.say(opening(foreman))
            for notice in foreman.data.notices:
                view.warn(notice, title="WARNING: another data set")
            foreman.work(lambda: signals.status)
        conclude(foreman, signals.status)
    if signals.status:
        raise Stopped(signals.status)
    return [foreman.results.summaries.get(i, {"status": "waiting", "error": None}) for i in range(len(foreman.cells))]


def _prepared(cell: Cell, places: Sequence[Place]) -> Cell:
    """On CPU each worker has one thread: that uses all cores best, and changes no result."""
    on_cpu = any(place.device == "cpu" and place.takes(cell.experiment.device) for place in places)
    if cell.experiment.threads != "auto" or not on_cpu:
        return cell
    return replace(cell, experiment=replace(cell.experiment, threads=1))


def _others(cells: Sequence[Cell], directory: Path) -> list[Cell]:
    """Cells of earlier sweeps in the same directory: they stay in sweep.json and in the results."""
    names = {cell.name for cell in cells}
    return [cell for cell in read_sweep(directory)[0] if cell.name not in names]
