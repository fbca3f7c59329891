"""Two processes never train in the same place: whoever holds it is seen, wherever it runs, and whoever was cut off leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from commands import ROOT, same_bits, summary, until
from sweep_cells import cell

from trainer.errors import ConfigError
from trainer.report.files import write_whole
from trainer.run import lease, process
from trainer.run.lease import LEASE, Lease, LeaseLost, Taken, alone, holder, is_stale, status_of
from trainer.run.run import resume, run_single
from trainer.run.stack_run import Job


@pytest.fixture
def elsewhere(monkeypatch):
    """Call it, and this process is on another machine from then on."""
    return lambda: monkeypatch.setattr(process, "_boot", lambda: "of a third machine")


def running(directory: Path) -> dict:
    return {"status": "running", "process": dict(holder(directory) or {})}


def age(directory: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(directory / LEASE, (then, then))


def test_a_directory_has_one_holder_and_several_are_held_together_or_not_at_all(tmp_path):
    a, b, c = (tmp_path / name for name in "abc")
    with alone(a, b) as held:
        assert held.writer["pid"] == os.getpid() and holder(a) == holder(b) == held.writer
        with pytest.raises(Taken, match=f"b is being trained right now by process {os.getpid()}.$"), alone(c, b):
            pass
        assert holder(c) is None  # what was claimed before the refusal is free again
    assert holder(a) is None and not list(tmp_path.rglob(LEASE))
    with alone(a):
        pass


def test_a_holder_on_another_machine_lives_as_long_as_it_renews(tmp_path, elsewhere):
    with alone(tmp_path) as held:
        claim = running(tmp_path)
        elsewhere()
        assert not is_stale(claim, tmp_path) and status_of(claim, tmp_path) == "running"
        with pytest.raises(Taken, match=f"by process {os.getpid()} on {held.writer['host']}"), alone(tmp_path):
            pass
        age(tmp_path, lease.EXPIRES + 1)
        assert holder(tmp_path) is None and status_of(claim, tmp_path) == "interrupted"
        with alone(tmp_path) as second:
            assert holder(tmp_path)["id"] == second.writer["id"]
            held.renewed = 0  # as after a long sleep
            with pytest.raises(LeaseLost, match="taken over by another process"):
                held.check()
            held.release()
            assert holder(tmp_path)["id"] == second.writer["id"]  # what is the second's stays


def test_on_this_machine_a_dead_holder_is_gone_at_once_and_a_living_one_never(tmp_path):
    with alone(tmp_path) as held:
        age(tmp_path, 10 * lease.EXPIRES)
        assert holder(tmp_path) == held.writer
    (tmp_path / LEASE).write_text(json.dumps(held.writer | {"started": "1"}))
    assert holder(tmp_path) is None
    with alone(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"pid": null}'])
def test_a_lease_that_can_not_be_read_counts_until_it_is_old(tmp_path, content):
    (tmp_path / LEASE).write_text(content)
    with pytest.raises(Taken, match="by another process"), alone(tmp_path):
        pass
    age(tmp_path, lease.EXPIRES + 1)
    with alone(tmp_path):
        pass


def test_of_many_that_come_at_once_one_gets_what_somebody_dead_has_left(tmp_path):
    with alone(tmp_path) as dead:
        pass
    for _ in range(20):
        (tmp_path / LEASE).write_text(json.dumps(dead.writer | {"started": "1"}))
        got, barrier = [], threading.Barrier(8)

        def come(got=got, barrier=barrier):
            barrier.wait()
            try:
                got.append(Lease([tmp_path]))
            except Taken:
                pass

        threads = [threading.Thread(target=come) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1
        got[0].release()


def test_a_lease_is_renewed_while_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "BEAT", 0.01)
    with alone(tmp_path):
        age(tmp_path, 30)
        until(lambda: time.time() - (tmp_path / LEASE).stat().st_mtime < 20)


def test_a_directory_that_can_not_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be written"), alone(tmp_path / "file/run"):
        pass


def start(directory: Path, epochs: int) -> subprocess.Popen:
    program = [sys.executable, str(ROOT / "tests/elsewhere.py"), str(directory), str(epochs)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.Popen(program, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_run_that_was_cut_off_writes_nothing_where_another_one_has_gone_on(tmp_path, monkeypatch):
    """Two real processes: the first, on another machine, stands still until its lease is old; the second takes over and
    trains to the end; the first wakes up, and must not have touched a byte. (A line of the log that it was about to append
    when it was stopped may still come, behind the others.)"""
    cut_off = start(tmp_path / "run", 300)
    until(lambda: (tmp_path / "run/checkpoint.pt").exists())
    assert not is_stale(summary(tmp_path / "run"), tmp_path / "run")
    cut_off.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(lease, "EXPIRES", 1.0)
    until(lambda: is_stale(summary(tmp_path / "run"), tmp_path / "run"))
    assert resume(tmp_path / "run", {}) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    cut_off.send_signal(signal.SIGCONT)
    _, said = cut_off.communicate(timeout=60)
    assert cut_off.returncode == 1 and "Traceback" not in said
    assert "was taken over by another process" in said and "nothing more is written here" in said
    after = {path: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    changed = {p for p in before if "tfevents" not in p.name and before[p] != after.get(p)}
    log = tmp_path / "run/train.log"
    assert changed <= {log} and after[log].startswith(before[log])
    (tmp_path / "undisturbed").mkdir()
    assert run_single(Job(cell(epochs=300).experiment, tmp_path / "undisturbed")) == 0
    same_bits(tmp_path / "run", tmp_path / "undisturbed")


def test_what_was_on_its_way_into_a_file_is_not_put_in_place(tmp_path):
    """The question is asked when all is on the disk, so that little time is left in which the answer could change."""
    (tmp_path / "file").write_text("another's")

    def lost() -> None:
        assert len(list(tmp_path.iterdir())) == 2  # the new one lies beside it
        raise LeaseLost

    with pytest.raises(LeaseLost):
        write_whole(tmp_path / "file", b"ours", lost)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["another's"]
