"""Sweeps on a real Ray cluster: two nodes on this machine, one of which loses its power."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from commands import TINY, Command, train, until
from ray_cluster import RayCluster, missing
from sixteen import EPOCHS, SWEEP, assert_same, statuses, undisturbed, worker_of
from sweep_cells import cell

from trainer.sweep.cells import SweepSettings, read_sweep, write_sweep


@pytest.fixture(scope="module")
def cluster():
    if reason := missing():
        pytest.skip(reason)
    with RayCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    return undisturbed(tmp_path_factory.mktemp("local"))


def start(cwd: Path, cluster: RayCluster, *words: str) -> Command:
    return Command(
        cwd, *SWEEP, EPOCHS, "name=sw", "hydra/launcher=stack_ray", f"hydra.launcher.address={cluster.address}", *words
    )


def training(sweep: Path) -> list[Path]:
    """The cells that have a checkpoint and are being trained."""
    return [path.parent for path in sweep.glob("*/checkpoint.pt") if (path.parent / ".lease").exists()]


def task_of(pids: list[int]) -> int | None:
    """The process in which Ray runs a unit."""
    return next((pid for pid in pids if b"train_unit" in Path(f"/proc/{pid}/cmdline").read_bytes()), None)


def test_a_worker_a_task_and_a_node_are_lost_and_every_run_ends_as_if_nobody_was(cluster, local, tmp_path):
    sweep = tmp_path / "runs/sw"
    command = start(tmp_path, cluster)
    os.kill(until(lambda: training(sweep) and worker_of(cluster.processes(0))), signal.SIGKILL)
    until(lambda: "killed by SIGKILL" in command.err)  # the unit has said so, and goes on
    os.kill(until(lambda: training(sweep) and task_of(cluster.processes(0))), signal.SIGKILL)
    until(lambda: training(sweep) and worker_of(cluster.processes(1)))
    cluster.lose(1)
    assert command.end() == 0, command.out + command.err
    assert "16 to run in 4 stacks (groups trained together) on Ray" in command.out
    assert_same(sweep, local)


def test_ctrl_c_cancels_the_tasks_and_resume_goes_on(cluster, local, tmp_path):
    sweep = tmp_path / "runs/sw"
    command = start(tmp_path, cluster, "hydra.launcher.workers=1")
    until(lambda: training(sweep))
    command.send(signal.SIGINT)
    assert command.end() == 130 and "train resume runs/sw" in command.out
    ends = statuses(sweep)
    assert 0 < ends["interrupted"] <= sum(ends.values()) < 16 and set(ends) <= {"interrupted", "completed"}, ends
    assert "not begun" in command.out and not list(sweep.rglob(".lease"))
    resumed = train(tmp_path, "resume", "runs/sw", RAY_ADDRESS=cluster.address)
    assert resumed.end() == 0 and "on Ray" in resumed.out, resumed.err
    assert_same(sweep, local)


def test_a_cluster_that_is_not_there_is_said_before_anything_is_written(cluster, tmp_path):
    words = ("-m", *TINY, "seed=0,1", "hydra/launcher=stack_ray", "name=sw")
    command = train(tmp_path, *words, "hydra.launcher.address=127.0.0.1:9")
    assert command.end() == 2 and "There is no Ray cluster at hydra.launcher.address=127.0.0.1:9" in command.err
    assert "Traceback" not in command.err and not (tmp_path / "runs").exists()


def test_without_ray_it_is_said_what_to_install(tmp_path, monkeypatch):
    if missing() is None:
        pytest.skip("Ray is installed")
    command = train(tmp_path, "-m", *TINY, "seed=0,1", "hydra/launcher=stack_ray", "name=sw")
    assert command.end() == 2 and not (tmp_path / "runs").exists()
    assert command.err == "train: hydra/launcher=stack_ray needs Ray. Type: pip install 'train-compare[ray]'\n"


def test_no_address_is_kept_in_a_sweep_nor_taken_from_a_strangers(tmp_path):
    """Whoever answers there would be sent code, and believed."""
    settings = SweepSettings(engine="ray", options={"address": "198.51.100.7:6379", "cpus": 2})
    write_sweep(tmp_path, [cell("seed=1")], settings)
    path = tmp_path / "sweep.json"
    assert "198.51.100.7" not in path.read_text()
    path.write_text(path.read_text().replace('"cpus": 2', '"cpus": 2, "address": "198.51.100.7:6379"'))
    assert read_sweep(tmp_path)[1].options == {"cpus": 2}
