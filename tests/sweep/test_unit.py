"""The unit of work that schedulers start, and start again: whatever was done before, the end has the bits of a sweep that nobody
disturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, until
from sixteen import assert_same_runs
from sweep_cells import grid, read

from trainer.sweep.cells import SweepSettings, write_sweep
from trainer.sweep.sweep import run_sweep
from trainer.sweep.unit import parsed

CELLS = grid({"optimizer": ("sgd", "adam"), "seed": range(3)}, epochs=300, checkpoint={"epochs": 5})


class Unit:
    """`python -m trainer.sweep.unit` in a process of its own."""

    def __init__(self, *words: object):
        command = [sys.executable, "-m", "trainer.sweep.unit", *map(str, words)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def end(self) -> tuple[int, list[dict], str]:
        """Its exit code, the events it told, and its stderr."""
        out, err = self.process.communicate(timeout=300)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("undisturbed")
    run_sweep(CELLS, directory, SweepSettings(workers=1))
    return directory


@pytest.fixture
def sweep(tmp_path) -> Path:
    """A sweep of which nothing was trained yet."""
    (tmp_path / "sweep").mkdir()
    write_sweep(tmp_path / "sweep", CELLS, SweepSettings())
    return tmp_path / "sweep"


def statuses(sweep: Path) -> list[str | None]:
    return [read(d)["status"] if (d / "summary.json").exists() else None for d in (sweep / c.name for c in CELLS)]


def ended(events: list[dict]) -> list[int]:
    return sorted(event["cell"] for event in events if event["event"] == "ended")


def assert_as_undisturbed(sweep: Path, undisturbed: Path) -> None:
    assert_same_runs(sweep, undisturbed, [cell.name for cell in CELLS])


def test_a_unit_trains_its_cells_and_what_has_ended_is_passed_over(sweep, undisturbed):
    code, events, err = Unit(sweep, "0", "3-4", "--workers", "1").end()
    assert (code, err) == (0, "")
    assert ended(events) == [0, 3, 4] and events[-1] == {"event": "done"}
    assert statuses(sweep) == ["completed", None, None, "completed", "completed", None]
    before = {path: path.stat().st_mtime_ns for path in sweep.rglob("*") if path.is_file()}
    code, events, err = Unit(sweep, "0-5").end()
    assert (code, ended(events)) == (0, [0, 1, 2, 3, 4, 5])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert_as_undisturbed(sweep, undisturbed)


def test_a_unit_that_is_terminated_saves_and_goes_on_when_it_is_started_again(sweep, undisturbed):
    first = Unit(sweep, "0-5", "--workers", "2")
    until(lambda: len(list(sweep.glob("*/checkpoint.pt"))) == 6)
    os.killpg(first.process.pid, signal.SIGTERM)  # schedulers signal all of a job's processes
    code, events, _ = first.end()
    assert code == 143 and ended(events) == [i for i, s in enumerate(statuses(sweep)) if s == "completed"]
    assert "terminated" in statuses(sweep) and set(statuses(sweep)) <= {"terminated", "completed"}
    assert {"event": "done"} not in events
    assert Unit(sweep, "0-5", "--workers", "1").end()[0] == 0
    assert_as_undisturbed(sweep, undisturbed)


def test_cells_at_different_updates_begun_and_unbegun_are_one_unit(sweep, undisturbed):
    """What schedulers do: the same cells again, cut in other ways, after a kill that left them at different updates."""
    for cells in ("0-1", "1-3"):
        unit = Unit(sweep, cells, "--workers", "1")
        saved = sweep / CELLS[int(cells[-1])].name / "checkpoint.pt"
        until(saved.exists)
        unit.process.kill()
        unit.process.communicate()
    assert Unit(sweep, "0-5", "--workers", "1").end()[0] == 0
    assert_as_undisturbed(sweep, undisturbed)


def test_of_two_units_of_the_same_cells_one_waits_for_the_other(sweep, undisturbed):
    both = [Unit(sweep, "0-5", "--workers", "1") for _ in range(2)]
    ends = [unit.end() for unit in both]
    assert [(code, ended(events)) for code, events, _ in ends] == [(0, [0, 1, 2, 3, 4, 5])] * 2
    said = [event["text"] for _, events, _ in ends for event in events if event["event"] == "warning"]
    assert any("is being trained right now by process" in text for text in said)
    assert_as_undisturbed(sweep, undisturbed)


def test_a_unit_goes_on_after_its_worker_was_killed(sweep, undisturbed):
    unit = Unit(sweep, "0-5", "--workers", "1")
    path = until(lambda: next(sweep.glob("*/checkpoint.pt"), None))
    os.kill(read(path.parent, ".lease")["pid"], signal.SIGKILL)
    code, events, _ = unit.end()
    assert code == 0 and any("killed by SIGKILL" in event.get("text", "") for event in events)
    assert_as_undisturbed(sweep, undisturbed)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["6"], "There is no cell 6 in SWEEP: they are 0 to 5."),
        (["0", "x"], "'x' is no cell: type numbers and ranges from 0, for instance 0 3 8-15."),
        (["3-1"], "3-1 names no cell: a range goes from its lower to its higher number."),
    ],
)
def test_a_mistake_is_one_sentence(sweep, words, sentence):
    code, events, err = Unit(sweep, *words).end()
    assert (code, events, err) == (2, [], f"train: {sentence}\n".replace("SWEEP", str(sweep)))


def test_a_directory_without_a_sweep_is_a_mistake(tmp_path):
    code, _, err = Unit(tmp_path, "0").end()
    assert code == 2 and "holds no sweep.json" in err


def test_ranges():
    assert parsed(["7", "0-2", "1-3"]) == [7, 0, 1, 2, 3]
