"""Early stopping in a sweep: bits as alone, complete when repeated, extended to what a longer one would be, pruned beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from commands import TINY, train
from commands import summary as summary_of
from sweep_cells import grid, read

from trainer.sweep.cells import Cell, SweepSettings
from trainer.sweep.plan import Piece
from trainer.sweep.sweep import resume_sweep, run_sweep
from trainer.sweep.workers import WorkerPool

ONE = SweepSettings(workers=1)
PATIENT = {"name": "patience", "epochs": 1}


@pytest.fixture(scope="module")
def pool():
    with WorkerPool() as pool:
        yield pool


def cells(epochs: int, seeds: int = 4) -> list[Cell]:
    return grid({"seed": range(seeds)}, epochs=epochs, stop=PATIENT, optimizer={"name": "adam", "lr": 0.01})


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return torch.load(directory / "model.pt", weights_only=True)


def metrics(directory: Path) -> list[dict[str, float]]:
    import json

    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_rules_train_together():
    """The host judges them, so they are no part of a stack's structure."""
    words = ("none", "patience", "target")
    groups = {Piece(i, c.experiment).group() for i, c in enumerate(grid({"stop": words, "seed": range(2)}))}
    assert len(groups) == 1


def test_in_a_stack_and_alone_repeated_and_extended(tmp_path: Path, pool: WorkerPool, capfd) -> None:
    summaries = run_sweep(cells(12), tmp_path / "stacked", ONE, pool=pool)
    assert {s["status"] for s in summaries} == {"completed"} and {s["stack"] for s in summaries} == {4}
    stops = [s["stopped_epoch"] for s in summaries]
    assert len({*stops} - {None}) > 1
    for each in cells(12):
        run_sweep([each], tmp_path / "alone", ONE, pool=pool)
        assert metrics(tmp_path / "alone" / each.name) == metrics(tmp_path / "stacked" / each.name)
        one, other = weights(tmp_path / "alone" / each.name), weights(tmp_path / "stacked" / each.name)
        assert all(torch.equal(one[key], other[key]) for key in one)
    capfd.readouterr()
    assert run_sweep(cells(12), tmp_path / "stacked", ONE, pool=pool) == summaries
    assert "4 complete and skipped" in capfd.readouterr().out
    with (tmp_path / "stacked/results.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["stopped_epoch"] for row in table] == ["" if stop is None else str(stop) for stop in stops]


def test_a_sweep_extended_is_the_longer_sweep(tmp_path: Path, pool: WorkerPool) -> None:
    """Runs that had stopped, or whose patience ran out with the last epoch, make no update more; the others go on."""
    longer = run_sweep(cells(12), tmp_path / "long", ONE, pool=pool)
    stops = sorted(s["epochs"] for s in longer)
    run_sweep(cells(stops[0] + 1), tmp_path / "short", ONE, pool=pool)
    assert resume_sweep(tmp_path / "short", {"epochs": 12}) == 0
    for each, wanted in zip(cells(12), longer, strict=True):
        found = read(tmp_path / "short" / each.name)
        assert (found["stopped_epoch"], found["epochs"]) == (wanted["stopped_epoch"], wanted["epochs"])
        assert metrics(tmp_path / "short" / each.name) == metrics(tmp_path / "long" / each.name)
        one, other = weights(tmp_path / "short" / each.name), weights(tmp_path / "long" / each.name)
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_halving_beside_it(tmp_path: Path, pool: WorkerPool) -> None:
    found = run_sweep(cells(12, seeds=8), tmp_path, SweepSettings(workers=1, prune="halving"), pool=pool)
    statuses = [s["status"] for s in found]
    assert {*statuses} == {"completed", "pruned"}
    assert all(s["stopped_epoch"] is None for s in found if s["status"] == "pruned")
    assert any(s["stopped_epoch"] for s in found)


def test_the_command_compares_them(tmp_path):
    """The rule's default patience of five epochs; the validation images are few, so luck stops runs soon."""
    words = ("stop=none,patience", "optimizer=adam", "optimizer.lr=0.03", "seed=range(3)", "epochs=40")
    run = train(tmp_path, "-m", *TINY, *words, "name=sweep")
    assert run.end() == 0, run.err
    found = [summary_of(path) for path in (tmp_path / "runs/sweep").glob("stop=patience*")]
    mean = sum(each["stopped_epoch"] for each in found) / 3
    said = " ".join(run.out.split())
    assert f"Some runs stopped early: stop=patience (3 of 3 runs, after {mean:.1f} of 40 epochs on average)." in said
