"""`-q`: nothing on stdout, with every verb; files, warnings, errors and exit codes are those of the loud command."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from commands import TINY, Command, same_bits, summary, train, until

SWEEP = ("-m", *TINY, "epochs=1", "seed=0,1", "hydra.launcher.workers=1", "name=sweep")


def silent(command: Command) -> Command:
    assert (command.out, command.err, command.end()) == ("", "", 0)
    return command


def told(directory: Path) -> str:
    """train.log without its clock, metrics left out: `seconds` is one of them."""
    return re.sub(r"^\S+ \S+ ", "", (directory / "train.log").read_text(), flags=re.M)


def test_a_run_is_silent_and_its_files_are_those_of_a_loud_one(tmp_path):
    silent(train(tmp_path, *TINY, "epochs=2", "name=quiet", "-q"))
    loud = train(tmp_path, *TINY, "epochs=2", "name=loud")
    assert "completed" in loud.out
    quiet, loud = tmp_path / "runs/quiet", tmp_path / "runs/loud"
    same_bits(quiet, loud)
    assert told(quiet) == told(loud)
    assert len(list(quiet.iterdir())) == len(list(loud.iterdir()))
    silent(train(tmp_path, "resume", "-q", "runs/quiet", "epochs=3"))
    assert summary(quiet)["epochs"] == 3


def test_a_sweep_and_a_comparison_are_silent(tmp_path):
    silent(train(tmp_path, "--quiet", *SWEEP))
    assert (tmp_path / "runs/sweep/results.csv").read_text().count("completed") == 2
    assert "2 complete and skipped" in train(tmp_path, *SWEEP).out
    silent(train(tmp_path, "resume", "runs/sweep", "--quiet"))
    silent(train(tmp_path, "compare", "-q", "runs/sweep", "--csv", "table.csv"))
    assert "valid/accuracy" in (tmp_path / "table.csv").read_text()


def test_warnings_and_mistakes_are_told(tmp_path):
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    fallen = train(tmp_path, "-q", "dataset=kmnist", "epochs=0", "device=cpu", "dataset.root=none", **nowhere)
    assert (fallen.out, fallen.end()) == ("", 0) and "WARNING: another data set" in fallen.err
    wrong = train(tmp_path, "-q", "epochs=x")
    assert (wrong.out, wrong.end()) == ("", 2) and "epochs=x is not allowed" in wrong.err


@pytest.mark.parametrize("option", ["--help", "--cfg=job"])
def test_it_contradicts_what_only_shows(tmp_path, option):
    wrong = train(tmp_path, option, "-q")
    assert (wrong.out, wrong.end()) == ("", 2) and "leave out one of them" in wrong.err


def test_how_a_run_ended_is_told_where_it_did_not_complete(tmp_path):
    diverged = train(tmp_path, "-q", *TINY, "epochs=3", "optimizer.lr=1e30", "model.hidden=[8,8]", "name=diverged")
    assert (diverged.out, diverged.err, diverged.end()) == ("", "train: diverged.\n", 3)
    stopped = Command(tmp_path, "-q", *TINY, "epochs=1000000", "name=stopped")
    until(lambda: (tmp_path / "runs/stopped/metrics.jsonl").exists())
    assert stopped.send(signal.SIGINT).end() == 130
    assert (stopped.out, stopped.err) == ("", "train: interrupted.\n")
    assert summary(tmp_path / "runs/stopped")["status"] == "interrupted"


def test_a_stopped_sweep_is_told_once(tmp_path):
    stopped = Command(tmp_path, "-q", *SWEEP[:-1], "epochs=1000000", "name=stopped")
    until(lambda: (tmp_path / "runs/stopped/seed=1/metrics.jsonl").exists())
    assert stopped.send(signal.SIGTERM).end() == 143
    assert (stopped.out, stopped.err) == ("", "train: terminated.\n")
