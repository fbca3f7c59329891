"""A disk that is full, or a directory that goes, in the middle of a sweep: a sentence, never a traceback; what was saved is
whole, and the sweep goes on from it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import TINY, Command, rows, summary, train, until

from trainer.run import checkpoint

WORDS = ("-m", *TINY, "optimizer=sgd,adam", "seed=range(3)", "hydra.launcher.workers=2", "name=sw")


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 400 KiB, as runs/."""
    place = tmp_path / "runs"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def whole(sweep: Path) -> Counter[str]:
    """How the cells stand; every file of theirs parses."""
    for path in sweep.rglob("checkpoint.pt"):
        checkpoint.load(path.parent)
    for path in sweep.rglob("*.json"):
        json.loads(path.read_text())
    return Counter(summary(path.parent)["status"] for path in sweep.glob("opt*/summary.json"))


def partials(sweep: Path) -> list[Path]:
    return list(sweep.rglob(".*.partial"))


def test_a_full_disk_in_the_middle(small_disk, tmp_path):
    full = train(tmp_path, *WORDS, "epochs=400", "checkpoint.epochs=1")
    assert full.end() == 1
    assert "Traceback" not in full.err + full.out and "No space left on device" in full.err
    assert whole(small_disk / "sw")["completed"] == 0 and not partials(small_disk / "sw")
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    resumed = train(tmp_path, "resume", "runs/sw")
    assert resumed.end() == 0, resumed.err
    assert whole(small_disk / "sw") == {"completed": 6}
    assert (small_disk / "sw/results.csv").read_text().count("\n") == 7


def test_a_table_that_can_not_be_written_costs_no_run(tmp_path):
    (tmp_path / "runs/sw/results.csv").mkdir(parents=True)
    (tmp_path / "runs/sw/results.csv/in the way").touch()
    sweep = train(tmp_path, *WORDS, "epochs=2")
    assert sweep.end() == 1
    assert "Traceback" not in sweep.err and whole(tmp_path / "runs/sw") == {"completed": 6}
    assert "runs/sw/results.csv can't be written: Is a directory. What the runs saved is whole" in sweep.err
    shutil.rmtree(tmp_path / "runs/sw/results.csv")
    assert train(tmp_path, "resume", "runs/sw").end() == 0
    assert (tmp_path / "runs/sw/results.csv").read_text().count("\n") == 7


def test_the_directory_goes_in_the_middle(tmp_path):
    sweep = Command(tmp_path, *WORDS, "epochs=100000", "checkpoint.epochs=1")
    until(lambda: sum(len(rows(cell)) > 3 for cell in (tmp_path / "runs/sw").glob("opt*")) == 6)
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert sweep.end() == 1
    assert "Traceback" not in sweep.err + sweep.out and "No such file or directory" in sweep.err
    assert not (tmp_path / "runs").exists()
    assert set(whole(tmp_path / "moved/sw")) <= {"running", "failed"}


def test_no_room_at_the_start(small_disk, tmp_path):
    with open(small_disk / "ballast", "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(1024))
    full = train(tmp_path, *WORDS, "epochs=2")
    assert full.end() in (1, 2) and "No space left on device" in full.err and "Traceback" not in full.err
