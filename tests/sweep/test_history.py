"""sweep.json remembers how a sweep grew once there were results to look at; summaries name the clock of their stack."""

from __future__ import annotations

import json
from pathlib import Path

from sweep_cells import grid

from trainer.compare.comparison import compare
from trainer.compare.fairness import flags
from trainer.compare.options import Options
from trainer.sweep.cells import SweepSettings, write_sweep
from trainer.sweep.sweep import resume_sweep, run_sweep
from trainer.sweep.workers import WorkerPool

ONE = SweepSettings(workers=1)


def sizes(directory: Path) -> list[tuple[int, int, int]]:
    history = json.loads((directory / "sweep.json").read_text())["history"]
    return [(entry["cells"], entry["seeds"], entry["epochs"]) for entry in history]


def summary(directory: Path, name: str) -> dict:
    return json.loads((directory / name / "summary.json").read_text())


def test_more_seeds_and_more_epochs_after_a_look_are_kept(tmp_path: Path) -> None:
    with WorkerPool() as pool:
        for _ in range(2):
            run_sweep(grid({"seed": range(2)}), tmp_path, ONE, pool=pool)
            assert sizes(tmp_path) == [(2, 2, 2)]
        run_sweep(grid({"seed": range(3)}), tmp_path, ONE, pool=pool)
    assert resume_sweep(tmp_path, {"epochs": 3}) == 0
    assert sizes(tmp_path) == [(2, 2, 2), (3, 3, 2), (3, 3, 3)]
    (table,) = compare([tmp_path], Options()).tables
    said = " ".join(flags(table, Options()))
    assert "(2 → 3 seeds)" in said and "(2 → 3 epochs)" in said


def test_what_nobody_could_have_seen_is_no_look(tmp_path: Path) -> None:
    for seeds in (2, 4):
        write_sweep(tmp_path, grid({"seed": range(seeds)}), ONE)
    assert sizes(tmp_path) == [(4, 4, 2)]


def test_a_sweep_from_before_histories_counts_with_its_size(tmp_path: Path) -> None:
    run_sweep(grid({"seed": range(2)}), tmp_path, ONE)
    content = json.loads((tmp_path / "sweep.json").read_text())
    del content["history"]
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    write_sweep(tmp_path, grid({"seed": range(3)}), ONE)
    assert sizes(tmp_path) == [(2, 2, 2), (3, 3, 2)]


def test_the_runs_of_a_stack_name_one_clock_and_those_of_another_another(tmp_path: Path) -> None:
    run_sweep(grid({"batch_size": (32, 60), "seed": range(2)}), tmp_path, ONE)
    clocks = {(b, s): summary(tmp_path, f"batch_size={b},seed={s}")["clock"] for b in (32, 60) for s in (0, 1)}
    assert clocks[32, 0]["id"] == clocks[32, 1]["id"] != clocks[60, 0]["id"] == clocks[60, 1]["id"]
    assert all(clock["began"] < clock["ended"] for clock in clocks.values())
    (first, second) = sorted((clocks[32, 0], clocks[60, 0]), key=lambda clock: clock["began"])
    assert first["ended"] <= second["began"]
