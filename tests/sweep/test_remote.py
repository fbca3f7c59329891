"""What all clusters have in common, on a cluster of processes: units that are killed for good, stopped by others, or speak in
halves of lines. SLURM and Ray themselves are tried where they are installed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from commands import ROOT
from sixteen import assert_same_runs
from sweep_cells import grid, read

from trainer.errors import ConfigError
from trainer.sweep import remote
from trainer.sweep.cells import SweepSettings
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.plan import Piece, Stack
from trainer.sweep.remote import UNITS, RemoteEngine
from trainer.sweep.remote_unit import RemoteUnit
from trainer.sweep.sweep import run_sweep

OFTEN = "import sys; from trainer.sweep import unit; unit.INTERVAL = 0.1; sys.exit(unit.main(sys.argv[1:]))"
"""A unit that tells of its progress early, so that it is far from its end when it is stopped."""

CELLS = grid({"optimizer": ("sgd", "adam"), "seed": range(4)}, epochs=400, checkpoint={"epochs": 20})


class Processes(RemoteEngine):
    """Each unit is a process that is never started again; `harm` is called with the number of each, in a while."""

    def __init__(self, directory: Path, settings: SweepSettings, harm: Callable[[int, subprocess.Popen], None]):
        super().__init__(directory, settings)
        self.harm, self.count = harm, 0
        self.processes: dict[str, subprocess.Popen] = {}

    def where(self, slots: Sequence[WorkerSlot]) -> str:
        return "processes"

    def ask(self) -> None: ...

    def accelerated(self) -> bool:
        return False

    def cores(self) -> int:
        return 1

    def submit(self, stacks: Sequence[Stack]) -> list[RemoteUnit]:
        units = []
        for stack in stacks:
            unit = RemoteUnit(stack, str(self.count), self.directory / UNITS)
            cells = [str(piece.cell) for piece in stack.pieces]
            with open(unit.said, "a") as out, open(unit.errors, "a") as err:
                self.processes[unit.name] = subprocess.Popen(
                    [sys.executable, "-c", OFTEN, "--workers=1", str(self.directory), *cells],
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdout=out,
                    stderr=err,
                )
            self.count += 1
            units.append(unit)
        return units

    def gone(self) -> Collection[RemoteUnit]:
        for unit in self.units:
            self.harm(int(unit.name), self.processes[unit.name])
        return [unit for unit in self.units if self.processes[unit.name].poll() is not None]

    def cancel(self) -> None:
        for process in self.processes.values():
            process.terminate()


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Call it with a harm to train the cells in tmp_path/sweep: their statuses, and the engine."""
    monkeypatch.setattr(remote, "HEAR", 0.1)
    monkeypatch.setattr(remote, "LOOK", 0.1)

    def run(harm, **settings):
        used = []

        def engine_of(settings, directory, pool=None):
            used.append(Processes(directory, settings, harm))
            return used[0]

        monkeypatch.setattr("trainer.sweep.sweep.engine_of", engine_of)
        summaries = run_sweep(CELLS, tmp_path / "sweep", SweepSettings(**settings))
        return [summary["status"] for summary in summaries], used[0]

    return run


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    """The same cells by this machine's own workers."""
    directory = tmp_path_factory.mktemp("local")
    run_sweep(CELLS, directory, SweepSettings(workers=1))
    return directory


def assert_as_local(sweep: Path, local: Path) -> None:
    assert_same_runs(sweep, local, [cell.name for cell in CELLS])


def test_what_a_lost_unit_leaves_is_handed_in_again_in_halves(swept, local, tmp_path, capfd):
    def harm(number, process):
        if number == 0 and list((tmp_path / "sweep").glob("*/checkpoint.pt")):
            process.kill()

    statuses, engine = swept(harm)
    assert statuses == ["completed"] * 8 and engine.count == 4  # two stacks, one of them again as two
    assert "go on from the last checkpoint: the unit that trained it, 0, is gone" in capfd.readouterr().err
    assert_as_local(tmp_path / "sweep", local)


def test_what_a_stopped_unit_has_saved_goes_on_whole_and_costs_no_retry(swept, local, tmp_path):
    stopped = []

    def harm(number, process):
        said = (tmp_path / "sweep" / UNITS / f"{number}.jsonl").read_text()
        if number not in stopped and len(stopped) < 2 and len(set(re.findall(r'"cells": ([\d.]+)', said))) > 1:
            stopped.append(number)
            process.send_signal(signal.SIGTERM)

    statuses, engine = swept(harm, retries=0)
    assert statuses == ["completed"] * 8 and stopped and engine.count == 2 + len(stopped)
    assert_as_local(tmp_path / "sweep", local)


def test_a_unit_that_is_always_lost_fails_with_its_last_words(swept, tmp_path):
    def harm(number, process):
        process.kill()

    statuses, engine = swept(harm, retries=1)
    assert statuses == ["failed"] * 8 and engine.count == 2 + 4
    summary = read(tmp_path / "sweep" / CELLS[0].name)
    assert summary["error"].startswith("the unit that trained it,") and "is gone" in summary["error"]


def test_lines_are_read_whole_and_what_was_cut_short_is_left_out(tmp_path):
    unit = RemoteUnit(Stack((Piece(0, CELLS[0].experiment),)), "7", tmp_path)
    assert unit.news() == []
    with open(unit.said, "a", buffering=1) as file:
        file.write('{"event": "ended", "cell": 0}\n{"event": "prog')
        assert unit.news() == [{"event": "ended", "cell": 0}]
        file.write('ress", "cells": 1}\n{"event":')  # a kill; the next start goes on in the line
        assert unit.news() == [{"event": "progress", "cells": 1}]
        file.write('{"event": "ended", "cell": 1}\n{"event": "done"}\n')
        assert unit.news() == [{"event": "done"}]
        assert unit.news() == []


def test_units_are_planned_for_what_they_are_given(tmp_path):
    engine = Processes(tmp_path, SweepSettings(workers=3), lambda *_: None)
    assert [slot.device for slot in engine.slots({"auto"}, 9)] == ["cpu"] * 3
    assert len(engine.slots({"cpu"}, 2)) == 2
    with pytest.raises(ConfigError, match="add hydra.launcher.gpus=1, or choose device=auto"):
        engine.check({"cuda"})
