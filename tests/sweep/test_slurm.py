"""Sweeps on a real SLURM: two nodes on this machine, one of which loses its power."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from commands import TINY, Command, train, until
from sixteen import EPOCHS, SWEEP, assert_same, statuses, undisturbed, worker_of
from slurm_cluster import SlurmCluster, missing
from sweep_cells import cell

from trainer.sweep.cells import SweepSettings, write_sweep
from trainer.sweep.sweep import resume_sweep


@pytest.fixture(scope="module")
def cluster():
    if reason := missing():
        pytest.skip(reason)
    with SlurmCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    return undisturbed(tmp_path_factory.mktemp("local"))


def start(cwd: Path, cluster: SlurmCluster, *words: str) -> Command:
    words = ("hydra/launcher=stack_slurm", "name=sw", *words)
    return Command(cwd, *SWEEP, EPOCHS, *words, SLURM_CONF=str(cluster.conf))


def training(sweep: Path) -> list[Path]:
    """The cells that have a checkpoint and are being trained."""
    return [path.parent for path in sweep.glob("*/checkpoint.pt") if (path.parent / ".lease").exists()]


def test_a_worker_and_a_node_are_lost_and_every_run_ends_as_if_nobody_was(cluster, local, tmp_path):
    sweep = tmp_path / "runs/sw"
    command = start(tmp_path, cluster)
    os.kill(until(lambda: training(sweep) and worker_of(list(cluster.processes("na")))), signal.SIGKILL)
    until(lambda: training(sweep) and worker_of(list(cluster.processes("nb"))))
    cluster.lose("nb")
    until(lambda: "PENDING" in cluster.jobs() and "down" in cluster.run("sinfo", "--noheader", "--format=%T"))
    cluster.begin("nb")
    until(lambda: cluster.hurry() or not cluster.jobs())
    assert command.end() == 0, command.out + command.err
    assert (
        "killed by SIGKILL" in command.err and "16 to run in 4 stacks (groups trained together) on SLURM" in command.out
    )
    assert_same(sweep, local)


def test_ctrl_c_cancels_the_jobs_and_resume_goes_on(cluster, local, tmp_path):
    sweep = tmp_path / "runs/sw"
    command = start(tmp_path, cluster, "hydra.launcher.workers=1")
    until(lambda: training(sweep))
    assert cluster.jobs().count("PENDING") >= 2  # one at a time
    refused = train(tmp_path, "resume", "runs/sw", SLURM_CONF=str(cluster.conf))
    assert refused.end() == 2 and f"being trained right now by process {command.process.pid}" in refused.err
    command.send(signal.SIGINT)
    assert command.end() == 130 and "train resume runs/sw" in command.out
    assert cluster.jobs() == []
    ends = statuses(sweep)
    assert 0 < ends["terminated"] <= sum(ends.values()) < 16 and set(ends) <= {"terminated", "completed"}, ends
    assert "not begun" in command.out and not list(sweep.rglob(".lease"))
    resumed = train(tmp_path, "resume", "runs/sw", SLURM_CONF=str(cluster.conf))
    assert resumed.end() == 0 and "on SLURM" in resumed.out, resumed.err
    assert_same(sweep, local)


def test_a_killed_parent_leaves_its_jobs_which_resume_sees(cluster, local, tmp_path):
    sweep = tmp_path / "runs/sw"
    command = start(tmp_path, cluster)
    until(lambda: training(sweep))
    command.process.kill()
    command.end()
    refused = train(tmp_path, "resume", "runs/sw", SLURM_CONF=str(cluster.conf))
    assert refused.end() == 2 and "is being trained right now by process" in refused.err
    until(lambda: not cluster.jobs())
    resumed = train(tmp_path, "resume", "runs/sw", SLURM_CONF=str(cluster.conf))
    assert resumed.end() == 0 and "16 complete and skipped" in resumed.out
    assert_same(sweep, local)


def test_what_slurm_does_not_take_is_said_in_its_words_before_anything_is_written(cluster, tmp_path):
    words = ("-m", *TINY, "seed=0,1", "hydra/launcher=stack_slurm", "name=sw")
    env = {"SLURM_CONF": str(cluster.conf)}
    partition = train(tmp_path, *words, "hydra.launcher.partition=gpu", **env)
    further = train(tmp_path, *words, "hydra.launcher.sbatch=[--nice=x]", **env)
    device = train(tmp_path, *words, "device=cuda", **env)
    nowhere = train(tmp_path, *words, PATH="/nonexistent")
    assert [command.end() for command in (partition, further, device, nowhere)] == [2] * 4
    assert "train: SLURM does not take this: sbatch: error: invalid partition specified: gpu" in partition.err
    assert "nice" in further.err
    assert (
        "device=cuda is not what units are given here: add hydra.launcher.gpus=1, or choose device=auto." in device.err
    )
    assert "needs SLURM, and there is no sbatch here" in nowhere.err
    assert not (tmp_path / "runs").exists()
    for command in (partition, further, device, nowhere):
        assert "Traceback" not in command.err and command.err.count("\n") == 1, command.err


@pytest.mark.parametrize(
    "word", ["/tmp/a-program", "--wrap=a-program", "--export=PYTHONPATH=/tmp", "-o/tmp/a-file", "--uid=0"]
)
def test_no_option_that_could_name_code_is_passed_on_nor_taken_from_a_strangers_sweep(tmp_path, word, capfd):
    write_sweep(tmp_path, [cell("seed=1")], SweepSettings(engine="slurm", options={"sbatch": [word]}))
    assert resume_sweep(tmp_path, {}) == 2
    assert f"hydra.launcher.sbatch={word} is not passed on." in capfd.readouterr().err
    assert not (tmp_path / "seed=1").exists()
