"""Sweeps as they are: real worker processes, real kills; every cell ends as if it had been run alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from rich.console import Console
from sweep_cells import SYNTHETIC, cell, grid, read, sixty, slow

from trainer.data.loading import load
from trainer.data.tensors import on_device
from trainer.errors import Stopped
from trainer.run.stack_run import Job, StackRun
from trainer.shell.main import run
from trainer.sweep import starting
from trainer.sweep.cells import SweepSettings
from trainer.sweep.progress import Progress
from trainer.sweep.standing import Standing, configurations, standings
from trainer.sweep.sweep import resume_sweep, run_sweep
from trainer.sweep.view import panel
from trainer.sweep.workers import WorkerPool

PROGRAM = Path(__file__).parents[1] / "sweep_cells.py"
CLOCK = ["train_seconds", "wall_seconds", "samples_per_second", "seconds_to_target", "stack"]
TWO = SweepSettings(workers=2)
ONE = SweepSettings(workers=1)  # where two would only cost a second start


class Nobody:
    def tick(self, step: int, seconds: float) -> None: ...

    def record(self, record: Any) -> None: ...


def metrics(directory: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def assert_same_run(one: Path, two: Path) -> None:
    weights = [torch.load(d / "model.pt", weights_only=True) for d in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0]), one.name
    assert metrics(one) == metrics(two), one.name


def table(directory: Path) -> pd.DataFrame:
    return pd.read_csv(directory / "results.csv").drop(columns=CLOCK)


def start(directory: Path, kind: str, **settings: Any) -> subprocess.Popen:
    root = str(PROGRAM.parents[1])
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(directory), kind, json.dumps({"workers": 2} | settings)],
        env={**os.environ, "PYTHONPATH": root, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(condition: Any, seconds: float = 60) -> Any:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def workers_of(pid: int) -> list[int]:
    """The processes that train for a parent, forked by its child."""
    return [worker for server in children(pid) for worker in children(server)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def statuses(directory: Path) -> Counter[str]:
    return Counter(read(path)["status"] for path in directory.glob("*/") if (path / "summary.json").exists())


def halfway(directory: Path) -> bool:
    """Some runs have ended, others have a checkpoint and still most of their way before them."""
    count = statuses(directory)
    going = [read(p.parent) for p in directory.glob("*/checkpoint.pt")]
    early = [s for s in going if s["status"] == "running" and 10 <= s["epochs"] <= 60]
    return count["completed"] >= 4 and len(early) >= 2


def held(directory: Path) -> dict[int, list[Path]]:
    """The runs that each worker trains now."""
    workers: dict[int, list[Path]] = {}
    for lease in directory.glob("*/.lease"):
        with contextlib.suppress(OSError, ValueError):  # being written, or gone again
            workers.setdefault(json.loads(lease.read_text())["pid"], []).append(lease.parent)
    return workers


def all_saved(runs: Sequence[Path]) -> bool:
    """Whether each has a checkpoint, and most of its way before it."""
    return all((run / "checkpoint.pt").exists() and 10 <= read(run)["epochs"] <= 60 for run in runs)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("undisturbed")
    summaries = run_sweep(slow(), directory, ONE)
    assert [s["status"] for s in summaries] == ["completed"] * 12
    return directory


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Workers that wait for the next sweep, where a start for each would show nothing more."""
    with WorkerPool() as pool:
        yield pool


def assert_as_undisturbed(directory: Path, undisturbed: Path) -> None:
    pd.testing.assert_frame_equal(table(directory), table(undisturbed))
    for each in slow():
        assert_same_run(directory / each.name, undisturbed / each.name)


def test_sixty_cells_are_each_as_if_run_alone(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    cells = sixty()
    summaries = run_sweep(cells, tmp_path / "sweep", TWO)
    assert [(s["status"], s["seed"]) for s in summaries] == [("completed", c.experiment.seed) for c in cells]
    assert {s["stack"] for s in summaries} == {5}  # optimizers and clips don't mix, seeds do
    assert "60 to run in 12 stacks (groups trained together) on 2 CPU workers" in capfd.readouterr().out
    data = on_device(load(cells[0].experiment.dataset), torch.device("cpu"))
    for each in cells:
        alone = tmp_path / each.name
        alone.mkdir()
        StackRun([Job(each.experiment, alone, each.overrides)], data).train(Nobody(), lambda: None)
        assert_same_run(alone, tmp_path / "sweep" / each.name)
        files = [{path.name.split(".out.")[0] for path in d.iterdir()} for d in (alone, tmp_path / "sweep" / each.name)]
        assert files[0] == files[1]
    frame = pd.read_csv(tmp_path / "sweep" / "results.csv")
    assert list(frame.columns[:5]) == ["directory", "status", "optimizer", "clip", "seed"]
    assert frame["directory"].tolist() == [c.name for c in cells]
    read = frame["valid/accuracy"].tolist()  # pandas 2 reads last digits quickly rather than exactly
    assert read == pytest.approx([s["valid/accuracy"] for s in summaries], rel=1e-15)


@pytest.mark.parametrize(
    ("number", "status", "code"), [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]
)
def test_a_signal_stops_a_sweep_which_then_goes_on(
    tmp_path: Path, undisturbed: Path, number: int, status: str, code: int, capfd: pytest.CaptureFixture
) -> None:
    process = start(tmp_path, "slow")
    until(lambda: halfway(tmp_path))
    os.killpg(process.pid, number)  # a terminal signals the whole group
    output = process.communicate(timeout=30)[0]
    count = statuses(tmp_path)
    assert set(count) == {"completed", status} and "Traceback" in output  # Stopped, which the command turns into a code
    assert f"train resume {tmp_path}" in output
    assert len(pd.read_csv(tmp_path / "results.csv")) == sum(count.values())
    assert resume_sweep(tmp_path, {}) == 0
    done = f"{count['completed']} complete and skipped, {count[status]} resumed, {12 - sum(count.values())} to run"
    assert done in capfd.readouterr().out
    assert_as_undisturbed(tmp_path, undisturbed)


def test_the_cells_of_a_killed_worker_go_on_from_their_checkpoints(tmp_path: Path, undisturbed: Path) -> None:
    process = start(tmp_path, "slow")
    until(lambda: halfway(tmp_path) and any(map(all_saved, held(tmp_path).values())))
    victim, going = next((pid, runs) for pid, runs in held(tmp_path).items() if all_saved(runs))
    os.kill(victim, signal.SIGKILL)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0 and statuses(tmp_path) == {"completed": 12}, output
    assert len(going) in (2, 4) and f"{len(going)} runs" in output
    assert "go on from the last checkpoint: the worker process that trained it was killed by SIGKILL" in output
    for directory in going:
        log = (directory / "train.log").read_text()
        assert log.count("started on cpu, step 0") == 1 and "resumed on cpu, step " in log
    assert_as_undisturbed(tmp_path, undisturbed)


def test_without_retries_a_killed_worker_costs_its_own_cells_only(tmp_path: Path, undisturbed: Path) -> None:
    process = start(tmp_path, "slow", retries=0)
    victim = until(lambda: halfway(tmp_path) and next(iter(held(tmp_path)), None))
    os.kill(victim, signal.SIGKILL)
    output = process.communicate(timeout=60)[0]
    count = statuses(tmp_path)
    assert count["failed"] in (2, 4) and count["completed"] == 12 - count["failed"], count
    failed = next(p.parent for p in tmp_path.glob("*/summary.json") if read(p.parent)["status"] == "failed")
    assert "killed by SIGKILL" in read(failed)["error"]
    assert "killed by SIGKILL" in (failed / "train.log").read_text()
    assert f"failed: {failed.name}: the worker" in output
    run_sweep(slow(), tmp_path, ONE)
    assert_as_undisturbed(tmp_path, undisturbed)


def test_a_killed_parent_leaves_no_worker_and_nothing_broken(tmp_path: Path, undisturbed: Path) -> None:
    process = start(tmp_path, "slow")
    until(lambda: halfway(tmp_path))
    workers = workers_of(process.pid)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    until(lambda: not any(alive(pid) for pid in workers), seconds=5)
    for path in tmp_path.glob("*/summary.json"):
        assert read(path.parent)["status"] in ("running", "completed")
    run_sweep(slow(), tmp_path, ONE)
    assert_as_undisturbed(tmp_path, undisturbed)


@pytest.mark.parametrize("begun", [children, workers_of])
def test_a_worker_leaves_with_its_parent_even_while_it_starts(begun: Any, tmp_path: Path) -> None:
    process = start(tmp_path, "slow")
    started = until(lambda: begun(process.pid))
    process.kill()
    process.communicate()
    until(lambda: not any(alive(pid) for pid in started), seconds=10)


def test_two_processes_never_train_the_same_sweep(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    process = start(tmp_path, "slow")
    until(lambda: list(tmp_path.glob("*/summary.json")))
    assert resume_sweep(tmp_path, {}) == 2
    assert "is being trained right now" in capfd.readouterr().err
    process.kill()
    process.communicate()


def test_failures_cost_only_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    faulty = [sys.executable, str(PROGRAM.with_name("faulty_worker.py"))]
    monkeypatch.setattr(starting, "command", lambda module, *device: [*faulty, *device])
    monkeypatch.setattr(starting, "SERVER", [])
    optimizers = ("sgd", "momentum", "adam", "rmsprop", "nesterov")
    cells = grid({"optimizer": optimizers, "seed": range(4)})
    summaries = run_sweep(cells, tmp_path, SweepSettings(workers=2, retries=1))
    count = Counter((c.experiment.optimizer.name, s["status"]) for c, s in zip(cells, summaries, strict=True))
    assert count == {
        ("sgd", "completed"): 4,
        ("momentum", "completed"): 3,
        ("momentum", "failed"): 1,
        ("adam", "failed"): 4,
        ("rmsprop", "failed"): 4,
        ("nesterov", "completed"): 4,
    }
    crashed = tmp_path / "optimizer=momentum,seed=1"
    assert read(crashed)["error"] == "RuntimeError: seed 1 was the one"
    assert 'raise RuntimeError("seed 1 was the one")' in (crashed / "train.log").read_text()
    assert "ended by itself with exit code 3" in read(tmp_path / "optimizer=adam,seed=0")["error"]
    assert "ended by itself with exit code 4" in read(tmp_path / "optimizer=rmsprop,seed=0")["error"]
    output = capfd.readouterr().out
    assert output.count("  failed: ") == 9 and "11 completed, 9 failed" in output
    assert Counter(table(tmp_path)["status"]) == {"completed": 11, "failed": 9}
    starting.forget()
    monkeypatch.undo()
    assert run(["resume", str(tmp_path)]) == 0
    assert statuses(tmp_path) == {"completed": 20}


def test_divergence_is_a_result_and_what_stands_in_the_way_a_failure(tmp_path: Path, pool: WorkerPool) -> None:
    cells = grid({"optimizer": ("sgd",), "seed": range(4)})
    cells.append(cell("seed=9", optimizer={"name": "sgd", "lr": 1e38}))
    cells.append(cell("seed=8", dataset={"name": "mnist", "root": str(tmp_path / "file"), "fallback": None}))
    (tmp_path / "file").write_text("no folder")
    (tmp_path / cells[2].name / "checkpoint.pt").mkdir(parents=True)  # a directory can't be replaced by a file
    summaries = run_sweep(cells, tmp_path, ONE, pool=pool)
    assert [s["status"] for s in summaries] == ["completed", "completed", "failed", "completed", "diverged", "failed"]
    assert (
        "checkpoint.pt" in summaries[2]["error"]
        and "checkpoint.pt" in (tmp_path / cells[2].name / "train.log").read_text()
    )
    assert "cannot be written" in summaries[5]["error"] and summaries[5]["dataset"] == "mnist"
    assert read(tmp_path, "results.json")[4]["status"] == "diverged"
    (tmp_path / cells[2].name / "checkpoint.pt").rmdir()
    again = run_sweep(cells[:5], tmp_path, ONE, pool=pool)
    assert [s["status"] for s in again] == ["completed"] * 4 + ["diverged"]
    assert again[0] == summaries[0] and again[4] == summaries[4]  # not run again
    assert len(table(tmp_path)) == 6  # the sixth cell belongs to the directory still


def test_fail_fast_stops_the_others_with_their_checkpoints(tmp_path: Path) -> None:
    bad = cell("seed=8", epochs=500, batch_size=16)  # the costliest stack, so the first
    (tmp_path / bad.name / "metrics.jsonl").mkdir(parents=True)
    summaries = run_sweep([*slow(), bad], tmp_path, SweepSettings(workers=2, fail_fast=True))
    count = Counter(s["status"] for s in summaries)
    assert count["failed"] == 1 and count["completed"] + count["failed"] + count["interrupted"] + count["waiting"] == 13
    assert count["interrupted"] + count["waiting"] > 0


def test_only_what_is_new_or_changed_is_run(tmp_path: Path, pool: WorkerPool, capfd: pytest.CaptureFixture) -> None:
    run_sweep(grid({"seed": range(3)}), tmp_path, ONE, pool=pool)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/model.pt")}
    capfd.readouterr()
    run_sweep(grid({"seed": range(4)}, device="auto", threads=2), tmp_path, ONE, pool=pool)  # neither changes a result
    assert "3 complete and skipped, 1 to run" in capfd.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    run_sweep(grid({"seed": range(2)}, epochs=1), tmp_path, ONE, pool=pool)
    assert "2 to run" in (said := capfd.readouterr().out) and "2 had another configuration before" in said
    assert read(tmp_path / "seed=0")["epochs"] == 1
    assert sorted(read(path)["epochs"] for path in (tmp_path / ".replaced").iterdir()) == [2, 2]
    assert len(table(tmp_path)) == 4


def test_resume_trains_a_sweep_for_more_epochs(tmp_path: Path, pool: WorkerPool) -> None:
    cells = grid({"seed": range(3)}, epochs=4)
    run_sweep(cells, tmp_path / "long", ONE, pool=pool)
    run_sweep(grid({"seed": range(3)}, epochs=2), tmp_path / "short", ONE, pool=pool)
    assert resume_sweep(tmp_path / "short", {"epochs": 4}) == 0
    for each in cells:
        rows = metrics(tmp_path / "short" / each.name)
        assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
        weights = [
            torch.load(tmp_path / kind / each.name / "model.pt", weights_only=True) for kind in ("long", "short")
        ]
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert resume_sweep(tmp_path / "short", {"epochs": 3}) == 2


def test_halving_keeps_the_better_half_and_the_rest_goes_on_when_asked(tmp_path: Path, pool: WorkerPool) -> None:
    cells, halving = grid({"seed": range(8)}, epochs=6), SweepSettings(workers=1, prune="halving")
    summaries = run_sweep(cells, tmp_path / "pruned", halving, pool=pool)
    ends = Counter((s["status"], s["epochs"]) for s in summaries)
    assert ends == {("pruned", 1): 4, ("pruned", 2): 2, ("pruned", 4): 1, ("completed", 6): 1}
    first = [metrics(tmp_path / "pruned" / c.name)[0]["valid/accuracy"] for c in cells]
    gone = [accuracy for accuracy, s in zip(first, summaries, strict=True) if s["epochs"] == 1]
    stayed = [accuracy for accuracy, s in zip(first, summaries, strict=True) if s["epochs"] > 1]
    assert max(gone) <= min(stayed)
    again = run_sweep(cells, tmp_path / "pruned", halving, pool=pool)
    assert again == summaries
    run_sweep(cells, tmp_path / "pruned", ONE, pool=pool)
    run_sweep(cells, tmp_path / "whole", ONE, pool=pool)
    for each in cells:
        assert metrics(tmp_path / "pruned" / each.name)[-1] == metrics(tmp_path / "whole" / each.name)[-1]


def test_nothing_is_written_for_a_sweep_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no images out"):
        none_held_out = grid({"seed": range(2)}, dataset=SYNTHETIC | {"validation": 0})
        run_sweep(none_held_out, tmp_path / "sweep", SweepSettings(prune="halving"))
    with pytest.raises(ValueError, match="device=cuda:7 is not available"):
        run_sweep([cell("seed=1", device="cuda:7")], tmp_path / "sweep", SweepSettings())
    with pytest.raises(ValueError, match="Did you mean 'halving'"):
        SweepSettings(prune="halvin")
    with pytest.raises(ValueError, match="workers=0"):
        SweepSettings(workers=0)
    assert not (tmp_path / "sweep").exists()


def test_a_sweep_from_a_stranger_cannot_leave_its_directory(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    run_sweep(grid({"seed": range(1)}), tmp_path / "sweep", ONE)
    path = tmp_path / "sweep" / "sweep.json"
    path.write_text(path.read_text().replace('"seed=0"', '"../outside"'))
    assert resume_sweep(tmp_path / "sweep", {}) == 2
    assert "is no name of a directory" in capfd.readouterr().err
    assert not (tmp_path / "outside").exists()


def test_the_view_fits_a_narrow_terminal() -> None:
    progress = Progress(
        cells=60, stacks=12, cost=100.0, skipped=2, running=5, statuses={0: "completed", 1: "diverged", 2: "failed"}
    )
    progress.shares, progress.first = {1: 25.0}, (time.monotonic() - 10.1, 0.05)
    progress.best = 0.9312, "optimizer=adam,seed=3" + ",long=name" * 9
    rows = [
        Standing("optimizer=adam", 30, 3, (0.9312, 0.9288), {"diverged": 1}),
        Standing("optimizer=sgd optimizer.lr=0.1 " + "clip=grad " * 6, 30, 0, (), {}),
    ]
    console = Console(file=io.StringIO(), width=80)
    console.print(panel(progress, rows, 5))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0].split() == ["configuration", "done", "mean", "valid", "acc", "best"]
    assert lines[1].split() == ["optimizer=adam", "3/30", "93.00", "%", "93.12", "%", "1", "diverged"]
    assert lines[2].split()[0] == "optimizer=sgd" and lines[2].split()[-3:] == ["0/30", "-", "-"]
    assert "and 3 more configurations" in lines[-5]
    assert lines[-4].startswith("best so far: valid/accuracy 93.12 %  optimizer=adam,seed=3,") and "…" in lines[-4]
    figures = " ".join(lines[-3:-1])
    assert "stacks 0/12  runs 3/60  running 5  completed 1  diverged 1  failed 1" in figures and "left 0:38" in figures
    assert lines[-1].rstrip().endswith("25%") and all(len(text) <= 80 for text in lines)


def test_time_left_waits_until_it_can_be_right() -> None:
    """Ten seconds of starting workers are no pace: from the first progress on, and after some of it."""
    progress = Progress(cells=10, stacks=5, cost=100.0, began=time.monotonic() - 10)
    assert progress.left() is None
    progress.shares = {1: 2.0}
    assert progress.left() is None
    progress.shares = {1: 6.0}
    assert progress.left() is None
    progress.first = time.monotonic() - 1.0, 0.02
    progress.shares = {1: 12.0}
    assert progress.left() == pytest.approx(8.8, rel=0.01)


def test_a_row_is_all_runs_that_differ_in_the_seed_alone() -> None:
    cells = [cell(f"optimizer={word}", f"seed={seed}") for word in ("sgd", "adam") for seed in range(3)]
    named = configurations(cells)
    assert named == {"optimizer=sgd": [0, 1, 2], "optimizer=adam": [3, 4, 5]}
    done = {"status": "completed", "valid/accuracy": 0.9}
    rows = standings(
        named, {0: done, 1: done | {"valid/accuracy": 0.8}, 3: {"status": "diverged", "valid/accuracy": 0.1}}
    )
    assert [(row.ended, row.accuracies, dict(row.lost)) for row in rows] == [
        (2, (0.9, 0.8), {}),
        (1, (), {"diverged": 1}),
    ]
    assert rows[0].mean == pytest.approx(0.85) and rows[1].mean is None
    assert list(configurations([cell(f"seed={seed}") for seed in range(2)])) == ["all runs"]


def test_of_many_configurations_the_best_are_shown_in_their_order() -> None:
    named = configurations([cell(f"epochs={n}") for n in range(30)])
    rows = standings(named, {i: {"status": "completed", "valid/accuracy": i / 100} for i in range(20)})
    assert [row.name for row in rows] == [f"epochs={n}" for n in range(8, 20)]


def test_a_signal_is_raised_to_the_caller(tmp_path: Path) -> None:
    """In this process: the signal comes while the workers still start, so that nothing has begun."""
    starting.forget()  # a server that has imported torch would have a worker training by then
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    previous = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(Stopped, match="interrupted"):
            run_sweep(slow(), tmp_path, ONE)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert statuses(tmp_path) == {} and (tmp_path / "sweep.json").exists()
