"""Disks that are full for real: a result that can't be written ends the run loudly, a log only leaves itself out."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CONTEXT, TINY, Command, rows, same_bits, summary, train
from stopping import Nobody, go
from subjects import experiment, tiny

from trainer.errors import ConfigError
from trainer.records import Record
from trainer.report.files import MetricsFile
from trainer.run import checkpoint
from trainer.run.directories import claim
from trainer.run.stack_run import Job, StackRun

WORDS = (*TINY, "checkpoint.epochs=1", "name=run")


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_ends_a_run_and_its_checkpoint_is_whole(small_disk, tmp_path):
    """The files of the command lie beside the disk; room is made, and the run goes on to the bits of one with room."""
    (tmp_path / "runs").symlink_to(small_disk)
    full = train(tmp_path, *WORDS, "epochs=400")
    assert full.end() == 1
    assert re.search(
        r"^train: crashed: a file in runs/run can't be written: No space left on device\. ", full.err, re.M
    )
    assert "What was saved before is whole. To go on from it type: train resume runs/run\n" in full.err
    assert "Traceback" not in full.err
    state = checkpoint.load(tmp_path / "runs/run").state
    assert 0 < state.step and not list((tmp_path / "runs/run").glob(".*.partial"))
    assert summary(tmp_path / "runs/run")["status"] in ("failed", "running")
    assert rows(tmp_path / "runs/run")[-1]["step"] >= state.step
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert train(tmp_path, "resume", "runs/run").end() == 0
    assert train(tmp_path / "whole", *WORDS, "epochs=400").end() == 0
    same_bits(tmp_path / "whole/runs/run", tmp_path / "runs/run")


def test_a_full_disk_at_the_start_leaves_nothing(small_disk, tmp_path):
    (tmp_path / "runs").symlink_to(small_disk)
    (small_disk / "ballast").write_bytes(bytes(90 * 1024))
    with open(small_disk / "more", "wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(1024))
            except OSError:
                break
    full = train(tmp_path, *WORDS, "epochs=4")
    assert full.end() in (1, 2) and "No space left on device" in full.err and "Traceback" not in full.err
    assert full.err.startswith("train: ") and full.err.count("\n") == 1
    assert {path.name for path in small_disk.iterdir()} <= {"ballast", "more"}


def test_a_result_beyond_the_largest_file_is_fatal(tmp_path):
    """The checkpoint (RLIMIT_FSIZE, as of a quota): the one before stays, and nothing of the new one."""
    limited = train(tmp_path, *WORDS, "epochs=60", "model.hidden=[64]", largest_file=8000)
    assert limited.end() == 1
    assert "can't be written: File too large" in limited.err and "Traceback" not in limited.err
    assert summary(tmp_path / "runs/run")["status"] == "failed"
    assert "File too large" in summary(tmp_path / "runs/run")["error"]
    assert "Traceback" in (tmp_path / "runs/run/train.log").read_text()
    assert not list((tmp_path / "runs/run").glob("*.pt")) and not list((tmp_path / "runs/run").glob(".*.partial"))
    again = train(tmp_path, "resume", "runs/run")
    assert again.end() == 0 and "runs/run has no checkpoint yet: it begins anew" in again.err


def test_tensorboard_may_fail(tmp_path):
    """A limit on the size of files, just above its size, for one record: left out, said once, and all else is there."""
    e = experiment(epochs=6)
    go(tmp_path / "whole", e, tiny())
    process = CONTEXT.Process(target=train_with_a_limit, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    said = (tmp_path / "said").read_text()
    assert said == "train: TensorBoard's file can't be written and is left out from here: File too large.\n"
    same_bits(tmp_path / "whole", tmp_path / "limited")
    assert "completed after 24 updates" in (tmp_path / "limited/train.log").read_text()


def train_with_a_limit(directory: Path) -> None:
    os.dup2(os.open(directory / "said", os.O_WRONLY | os.O_CREAT), 2)
    (directory / "limited").mkdir()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    class Limiting(Nobody):
        def record(self, record: Record) -> None:
            (events,) = (directory / "limited").glob("events.*")
            soft = events.stat().st_size + 10 if record.epoch == 2 else hard
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    StackRun([Job(experiment(epochs=6), directory / "limited")], tiny()).train(Limiting(), lambda: None)


def test_train_log_may_fail(tmp_path):
    """Continued through a link, it could end up in anybody's file."""
    assert train(tmp_path, *WORDS, "epochs=2").end() == 0
    (tmp_path / "runs/run/train.log").unlink()
    (tmp_path / "runs/run/train.log").symlink_to("/dev/full")
    again = train(tmp_path, "resume", "runs/run", "epochs=5")
    assert again.end() == 0 and summary(tmp_path / "runs/run")["epochs"] == 5
    assert again.err == (
        "train: runs/run/train.log can't be written and is left out from here: Too many levels of symbolic links.\n"
    )


def test_both_streams_may_fail(tmp_path):
    """No reader on stdout and a full disk under stderr: trained to the end all the same."""
    (tmp_path / "err.0").symlink_to("/dev/full")
    command = Command(tmp_path, *WORDS, "epochs=3", terminal="/dev/full")
    assert command.end() == 0 and summary(tmp_path / "runs/run")["status"] == "completed"


def test_a_record_that_fits_in_part_is_taken_back(tmp_path):
    """The file parses and ends with a whole record."""
    process = CONTEXT.Process(target=record_until_full, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    text = (tmp_path / "metrics.jsonl").read_text()
    steps = [json.loads(line)["step"] for line in text.splitlines()]
    assert text.endswith("}\n") and len(steps) > 5 and steps == list(range(len(steps)))


def record_until_full(directory: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    file = MetricsFile(directory)
    for step in range(99):
        try:
            file.record(Record(0, step, step, 0.0, {"valid/loss": 0.123456789}))
        except OSError:
            os._exit(0)
    os._exit(1)


def test_a_directory_that_may_not_be_written(tmp_path):
    """As another user, since root may write anywhere."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    assert train(tmp_path, *WORDS, "epochs=1").end() == 0
    run = tmp_path / "runs/run"
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    ours = [path for path in tmp_path.parents if path.name.startswith(("pytest-", "popen-"))]  # never /tmp itself
    for path in (tmp_path, *ours):
        path.chmod(0o755)
    process = CONTEXT.Process(target=as_nobody, args=(run,))
    process.start()
    process.join()
    assert process.exitcode == 2
    assert before == {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    lines = (tmp_path / "said").read_text().splitlines()
    assert lines == [f"train: {run} can't be written: Permission denied."]


def as_nobody(run: Path) -> None:
    """Root resumes a copy first: modules imported late may lie where nobody can't read, as in root's own folders."""
    import cli

    os.chdir(run.parent.parent)
    shutil.copytree(run, "copy")
    assert cli.run(["resume", "copy", "epochs=2"]) == 0
    os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT), 2)
    os.setgid(65534)
    os.setuid(65534)
    code = cli.run(["resume", str(run), "epochs=2"])
    try:
        claim(Path.cwd() / "runs", "other")
    except ConfigError as error:
        os._exit(code if "can't be made: Permission denied." in str(error) else 1)
