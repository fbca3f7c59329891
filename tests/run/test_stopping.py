"""A run that stops early, in its directory: resumed from anywhere to the same bits, complete, and what is said of it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from commands import TINY, Command, rows, same_bits, summary, train, until
from stopping import go
from subjects import experiment, tiny

from trainer.errors import ConfigError
from trainer.report.hits import read_hits
from trainer.run import checkpoint
from trainer.run.resume import resumable

DATA = tiny()  # four updates an epoch
PATIENT = experiment(optimizer={"name": "adam", "lr": 0.01}, stop={"name": "patience", "epochs": 2}, epochs=20, seed=2)
"""Stops after its third epoch: valid/accuracy is 60, 40 and 57.5 %."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("stop") / "whole"
    go(directory, PATIENT, DATA)
    return directory


def test_a_run_that_stops_is_complete_and_tested(whole):
    found = summary(whole)
    assert (found["status"], found["stopped_epoch"], found["epochs"], found["steps"]) == ("completed", 3, 3, 12)
    assert found["best_epoch"] == 1 and found["test/accuracy"] is not None
    assert ["test/accuracy" in row for row in rows(whole)] == [False, False, True]
    hits = read_hits(whole)
    assert hits is not None
    assert hits.right["test"].mean() == pytest.approx(found["test/accuracy"])
    assert hits.right["valid"].mean() == pytest.approx(found["valid/accuracy"])


def test_a_run_that_goes_to_its_end_stopped_nowhere(tmp_path):
    go(tmp_path, replace(PATIENT, epochs=3), DATA)
    assert summary(tmp_path)["status"] == "completed" and summary(tmp_path)["stopped_epoch"] is None


@pytest.mark.parametrize("first", range(1, 12))
def test_interrupted_after_any_update_it_stops_where_it_would_have(whole, tmp_path, first):
    go(tmp_path, PATIENT, DATA, stop=first)
    assert summary(tmp_path)["status"] == "interrupted" and summary(tmp_path)["stopped_epoch"] is None
    go(tmp_path, PATIENT, DATA, resumed=True)
    same_bits(whole, tmp_path)


def test_interrupted_after_every_update(whole, tmp_path):
    go(tmp_path, PATIENT, DATA, stop=1)
    for step in range(2, 13):
        go(tmp_path, PATIENT, DATA, stop=step, resumed=True)
    same_bits(whole, tmp_path)


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_fewer_epochs_and_then_more_stop_where_more_at_once_do(whole, tmp_path, first):
    """After three epochs, the last that were planned, patience has run out: with more it stops there, not one later."""
    go(tmp_path, replace(PATIENT, epochs=first), DATA)
    assert summary(tmp_path)["stopped_epoch"] is None
    go(tmp_path, PATIENT, DATA, resumed=True)
    if first:
        same_bits(whole, tmp_path)
    assert summary(tmp_path)["stopped_epoch"] == 3 and read_hits(tmp_path) is not None
    assert [row["epoch"] for row in rows(tmp_path)] == [0, 1, 2, 3][not first == 0 :]


def test_killed_between_its_last_checkpoint_and_its_end(whole, tmp_path):
    """The state says that it stopped, the summary does not yet."""
    parts = shutil.copytree(whole, tmp_path / "parts")
    (parts / "hits.npz").unlink()
    (parts / "model.pt").unlink()
    (parts / "summary.json").write_text(json.dumps(summary(whole) | {"status": "running", "stopped_epoch": None}))
    go(parts, PATIENT, DATA, resumed=True)
    same_bits(whole, parts)
    assert (whole / "hits.npz").read_bytes() == (parts / "hits.npz").read_bytes()


def test_one_of_a_stack_had_stopped_and_the_others_go_on(whole, tmp_path):
    """As in a sweep that is resumed with more epochs."""
    stack = [replace(PATIENT, epochs=3, seed=seed) for seed in (0, 2)]
    places = [tmp_path / "0", tmp_path / "2"]
    go(places, stack, DATA)
    longer = [replace(e, epochs=20) for e in stack]
    run = go(places, longer, DATA, resumed=True)
    assert [s["stopped_epoch"] for s in run.summaries()] == [10, 3]
    for place, e in zip(places, longer, strict=True):
        go(tmp_path / f"alone{place.name}", e, DATA)
        for name in ("checkpoint.pt", "model.pt", "best.pt"):
            one, other = (
                torch.load(folder / name, weights_only=True) for folder in (place, tmp_path / f"alone{place.name}")
            )
            assert all(torch.equal(one[key], other[key]) for key in one if isinstance(one[key], torch.Tensor))
        assert rows(place) == rows(tmp_path / f"alone{place.name}")


def test_a_checkpoint_without_memory_of_a_best_epoch_is_one_before_any(tmp_path):
    """Those of versions that stopped no run."""
    e = replace(PATIENT, stop="none", epochs=4)
    go(tmp_path / "whole", e, DATA)
    go(tmp_path / "parts", e, DATA, stop=6)
    content = torch.load(tmp_path / "parts/checkpoint.pt", weights_only=True)
    del content["best"], content["waited"], content["config"]["stop"]
    torch.save(content, tmp_path / "parts/checkpoint.pt")
    go(tmp_path / "parts", e, DATA, resumed=True)
    same_bits(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("value", [torch.zeros(1, 2), torch.zeros(2, 1), 3.0, torch.zeros(1, 1, dtype=torch.float64)])
def test_a_strangers_memory_of_another_kind_is_refused(tmp_path, value):
    go(tmp_path, PATIENT, DATA, stop=6)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save(content | {"waited": value}, tmp_path / "checkpoint.pt")
    with pytest.raises(Exception, match=r"checkpoint with parts of the wrong kind"):
        checkpoint.load(tmp_path)


def test_more_epochs_are_refused_with_what_to_type(whole):
    assert resumable(whole, {}) is None
    with pytest.raises(ConfigError) as refused:
        resumable(whole, {"epochs": 40})
    assert str(refused.value) == (
        f"{whole} stopped after epoch 3 of 20 (stop=patience), and with more epochs it would stop there too. "
        f"To train it without stopping, type: train from={whole} stop=none"
    )


STOPPING = ("optimizer=adam", "optimizer.lr=0.03", "stop=patience", "stop.epochs=2", "epochs=60", "name=run")


def test_the_command_says_when_and_why_and_how_to_go_on(tmp_path):
    run = train(tmp_path, *TINY, *STOPPING)
    assert run.end() == 0
    found = summary(tmp_path / "runs/run")
    epoch, best = found["stopped_epoch"], found["best_epoch"]
    assert 0 < best == epoch - 2 < 58
    lines = run.out.splitlines()
    assert (
        f"Stopped after epoch {epoch} of 60: no better valid/accuracy for 2 epochs; best.pt holds the network of epoch {best}."
        in lines
    )
    assert "  train from=runs/run stop=none  # all 60 epochs" in lines and "# train longer" not in run.out
    again = train(tmp_path, "resume", "runs/run")
    assert again.end() == 0 and again.out == (
        "runs/run is complete. To train longer type: train from=runs/run stop=none\n"
    )
    assert train(tmp_path, "resume", "runs/run", "epochs=70").end() == 2
    shown = train(tmp_path, "show", "runs/run")
    assert f"Stopped after epoch {epoch} of 60: no better" in shown.out
    longer = train(tmp_path, "from=runs/run", "stop=none", "name=longer")
    assert longer.end() == 0
    ours, theirs = rows(tmp_path / "runs/run"), rows(tmp_path / "runs/longer")
    assert len(theirs) == 60 and ours[:-1] == theirs[: epoch - 1]


def test_a_target_says_that_it_was_reached(tmp_path):
    words = ("optimizer=adam", "optimizer.lr=0.03", "stop=target", "target=0.3", "epochs=60", "name=run")
    run = train(tmp_path, *TINY, *words)
    epoch = summary(tmp_path / "runs/run")["stopped_epoch"]
    assert f"\nStopped after epoch {epoch} of 60: valid/accuracy reached 30 %.\n" in run.out


def test_interrupted_at_the_keyboard_it_stops_where_it_would_have(tmp_path):
    words = (*TINY, *STOPPING[:-1], "dataset.samples=6000", "checkpoint.seconds=0.001")
    assert train(tmp_path, *words, "name=whole").end() == 0
    run = Command(tmp_path, *words, "name=parts")
    until(lambda: rows(tmp_path / "runs/parts"))
    run.process.kill()
    run.end()
    going = train(tmp_path, "resume", "runs/parts")
    assert going.end() == 0
    same_bits(tmp_path / "runs/whole", tmp_path / "runs/parts")


@pytest.mark.parametrize("word", ["patience", "target"])
def test_without_validation_images_it_is_refused_in_a_sentence(tmp_path, word):
    run = train(tmp_path, *TINY, f"stop={word}", "dataset.validation=0")
    assert run.end() == 2 and re.fullmatch(
        rf"train: stop={word} judges validation images and dataset\.validation=0 holds none out: leave one of them out\.\n",
        run.err,
    )
    assert not (tmp_path / "runs").exists()
