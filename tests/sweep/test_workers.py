"""Workers that wait for the next sweep: the same processes, the same bits, and gone at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sweep_cells import grid, read

from trainer.sweep.cells import SweepSettings
from trainer.sweep.sweep import run_sweep
from trainer.sweep.workers import WorkerPool

ONE = SweepSettings(workers=1)


def pid(directory: Path) -> int:
    return int(read(directory)["process"]["pid"])


def test_one_worker_trains_two_sweeps_and_then_leaves(tmp_path):
    first, second = grid({"optimizer": ["sgd"]}), grid({"optimizer": ["adam"]})
    with WorkerPool() as pool:
        run_sweep(first, tmp_path / "one", ONE, pool=pool)
        run_sweep(second, tmp_path / "two", ONE, pool=pool)
    worker = pid(tmp_path / "one/optimizer=sgd")
    assert worker == pid(tmp_path / "two/optimizer=adam") != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_worker_that_died_while_it_waited_is_replaced(tmp_path):
    with WorkerPool() as pool:
        run_sweep(grid({"optimizer": ["sgd"]}), tmp_path / "one", ONE, pool=pool)
        pool.idle[0].kill()
        pool.idle[0].end()
        (summary,) = run_sweep(grid({"optimizer": ["adam"]}), tmp_path / "two", ONE, pool=pool)
    assert summary["status"] == "completed"
