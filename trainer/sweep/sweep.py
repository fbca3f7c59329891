"""A sweep from its cells to its table: what is there already, who trains the rest, how it ended."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from trainer.errors import STOPPED, ConfigError, ExitCode, Stopped, Unwritten
from trainer.experiment import Experiment
from trainer.records import Status
from trainer.report.guarded import say
from trainer.run.lease import alone
from trainer.run.settings import changed, check_settings
from trainer.run.signals import Signals
from trainer.sweep.cells import SWEEP, Cell, SweepSettings, check_prunable, read_sweep, write_sweep
from trainer.sweep.data import SweepData, find_data
from trainer.sweep.display import Display, SweepDisplay
from trainer.sweep.engines import engine_of
from trainer.sweep.existing import REPLACED, Existing, existing, move_aside
from trainer.sweep.plan import one_thread_each
from trainer.sweep.results import Results
from trainer.sweep.scheduler import Scheduler
from trainer.sweep.view import SweepConsole
from trainer.sweep.workers import WorkerPool


def run_sweep(
    cells: Sequence[Cell],
    directory: Path,
    settings: SweepSettings,
    display: Display | None = None,
    pool: WorkerPool | None = None,
) -> list[dict[str, Any]]:
    """Train what is missing of `cells` in `directory`, show it, and return every cell's summary, in order.

    `display` shows it in another way; the workers of a `pool` wait for its next sweep.
    A cell that was never begun because another failed (`fail_fast`) has the status `waiting`. Raises ConfigError before
    anything is written, and Stopped when a signal has ended the sweep and all is saved.
    """
    names = [cell.name for cell in cells]
    if len(set(names)) < len(names):
        raise ValueError("Two cells of a sweep have the same name.")
    return _run(cells, directory, settings, display=display, pool=pool)[: len(cells)]


def resume_sweep(directory: Path, settings: Mapping[str, Any]) -> int:
    """Go on with the sweep in `directory`; returns the exit code. `settings` are flat dotted keys as for `run.resume`; each
    run whose configuration has the key takes it."""
    try:
        check_settings(settings)
        cells, launcher = read_sweep(directory)
        if not cells:
            raise ConfigError(f"{directory} holds no {SWEEP}, so there is no sweep to resume.")
        longer = given_anew(cells, settings)
        _check_longer(cells, settings.get("epochs"))
        summaries = _run(longer, directory, launcher, settings)
    except ConfigError as error:
        say(str(error))
        return ExitCode.WRONG
    except Stopped as stop:
        return STOPPED[stop.status]
    except Unwritten:
        return ExitCode.CRASHED
    return ExitCode.CRASHED if any(summary["status"] == Status.FAILED for summary in summaries) else 0


def given_anew(cells: Sequence[Cell], settings: Mapping[str, Any]) -> list[Cell]:
    """The cells with the settings that they have keys for; ConfigError where none of them has a key."""
    own = [{key: value for key, value in settings.items() if _has(cell.experiment, key)} for cell in cells]
    for key in settings:
        if not any(key in each for each in own):
            changed(cells[0].experiment, {key: settings[key]})  # says why
    return [replace(c, experiment=changed(c.experiment, each)) for c, each in zip(cells, own, strict=True)]


def _has(experiment: Experiment, key: str) -> bool:
    group, _, field = key.partition(".")
    return hasattr(getattr(experiment, group, None), field) if field else hasattr(experiment, key)


def _check_longer(cells: Sequence[Cell], epochs: int | None) -> None:
    if epochs is None:
        return
    if any(cell.experiment.epochs > epochs for cell in cells):
        raise ConfigError(f"epochs={epochs} is less than this sweep was asked for.")
    if any(cell.experiment.epochs != epochs and cell.experiment.decay.has_horizon for cell in cells):
        print(
            f"train: decays with a horizon now end at epoch {epochs}: runs that go on follow the longer schedule from where "
            "they are, which is not the same as a run of that length from the start.",
            file=sys.stderr,
        )


def _run(
    cells: Sequence[Cell],
    directory: Path,
    settings: SweepSettings,
    given: Collection[str] = (),
    display: Display | None = None,
    pool: WorkerPool | None = None,
) -> list[dict[str, Any]]:
    check_prunable(cells, settings)
    engine = engine_of(settings, directory, pool)
    engine.check({c.experiment.device for c in cells})
    slots = engine.slots({c.experiment.device for c in cells}, len(cells))
    with alone(directory):
        found = [existing(cell.experiment, directory / cell.name, settings.results, given) for cell in cells]
        every, data = _with_data(cells, found, directory)
        _write(directory, every, settings, [c.name for c, f in zip(cells, found, strict=True) if f.replaced])
        display = display or SweepDisplay()
        results = Results(directory, every)
        results.take_others(len(cells))
        prepared = [replace(c, experiment=one_thread_each(c.experiment, slots)) for c in every[: len(cells)]]
        view = partial(SweepConsole, look=display)
        states = dict(enumerate(found))
        return _train(Scheduler(prepared, states, data, engine, slots, directory, settings, results, view), display)


def _with_data(cells: Sequence[Cell], found: Sequence[Existing], directory: Path) -> tuple[list[Cell], SweepData]:
    """All cells of the directory, ours first and each with the data set that it is trained on, and those data."""
    others = _others(cells, directory)
    todo = [cell for cell, state in zip(cells, found, strict=True) if state.summary is None]
    data = find_data(todo, [*cells, *others], directory)
    return [*(replace(c, fallen_back=c.experiment.dataset in data.fallen_back) for c in cells), *others], data


def _write(directory: Path, every: Sequence[Cell], settings: SweepSettings, replaced: Sequence[str]) -> None:
    """Write sweep.json, and move aside what lies where runs of another configuration are to be."""
    try:
        write_sweep(directory, every, settings)
        for name in replaced:
            move_aside(directory / name)
    except OSError as error:
        raise ConfigError(f"{directory} can't be written: {error.strerror or error}.") from error


def _train(scheduler: Scheduler, display: Display) -> list[dict[str, Any]]:
    with Signals() as signals:
        signals.training = True
        with scheduler.view as view:
            display.begin(scheduler)
            for notice in scheduler.data.notices:
                view.warn(notice, title=scheduler.data.title)
            for damaged in filter(None, (found.damaged for found in scheduler.found.values())):
                view.warn(
                    f"{damaged} That run begins anew; what was there is kept in {scheduler.directory / REPLACED}."
                )
            scheduler.work(lambda: signals.status)
        display.end(scheduler, signals.status)
    if signals.status:
        raise Stopped(signals.status)
    if scheduler.results.refused:
        raise Unwritten(scheduler.results.refusal())
    return [
        scheduler.results.summaries.get(i, {"status": Status.WAITING, "error": None})
        for i in range(len(scheduler.cells))
    ]


def _others(cells: Sequence[Cell], directory: Path) -> list[Cell]:
    """Cells of earlier sweeps in the same directory: they stay in sweep.json and in the results."""
    names = {cell.name for cell in cells}
    return [cell for cell in read_sweep(directory)[0] if cell.name not in names]
