"""A checkpoint is written whole or not at all, holds nothing that could run, and says in a sentence why it can't be read."""

from __future__ import annotations

import io
import os
import pickle
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from commands import CONTEXT, until
from evil import Evil, packed
from stopping import Nobody, go
from subjects import experiment, tiny

from trainer.errors import CheckpointError
from trainer.report.files import clear_partials, write_whole
from trainer.run import checkpoint
from trainer.run.checkpoint import CHECKPOINT
from trainer.run.run import resume
from trainer.run.stack_run import Job, StackRun

DATA = tiny()


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A run that was stopped after five of its eight updates."""
    directory = tmp_path_factory.mktemp("saved")
    go(directory, experiment(optimizer="adam", normalization="batch"), DATA, stop=5)
    return directory


def test_everything_comes_back(saved):
    found = checkpoint.load(saved)
    run = StackRun([Job(experiment(optimizer="adam", normalization="batch"), saved)], DATA, resumed=True)
    assert found.dataset == "tiny" and found.config == run.jobs[0].experiment.to_dict()
    assert (found.state.step, found.state.updates, found.state.samples) == (5, 1, 29)
    for name in ("theta", "statistics", "loss", "correct", "clipped"):
        assert torch.equal(getattr(found.state, name), getattr(run.training.state, name))
    assert len(found.state.slots) == 2 and all(slot.abs().sum() > 0 for slot in found.state.slots)
    run.train(Nobody(), lambda: None)


def save_for_ever(directory: Path) -> None:
    """Checkpoints one after the other; each is of one step throughout."""
    state = checkpoint.load(directory).state
    while True:
        state.step += 1
        state.theta.fill_(state.step)
        checkpoint.save(directory, experiment(optimizer="adam", normalization="batch"), "tiny", "", state)


def test_killed_while_saving_the_old_one_or_the_new_one_is_there(saved, tmp_path):
    directory = Path(shutil.copytree(saved, tmp_path / "run"))
    draws, partials = random.Random(0), 0
    for _ in range(14):
        before = (directory / CHECKPOINT).stat().st_mtime_ns
        process = CONTEXT.Process(target=save_for_ever, args=(directory,))
        process.start()
        until(lambda before=before: (directory / CHECKPOINT).stat().st_mtime_ns != before)
        time.sleep(draws.uniform(0, 0.03))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        state = checkpoint.load(directory).state
        assert state.theta.eq(state.step).all()
        partials += len(list(directory.glob(".checkpoint.pt.*.partial")))
        clear_partials(directory)
    assert partials >= 1  # some kill did fall into a save
    assert not list(directory.glob(".*"))


def test_partial_files_are_cleared_when_a_run_goes_on(tmp_path):
    go(tmp_path, experiment(), DATA, stop=5)
    (tmp_path / ".checkpoint.pt.123.partial").write_bytes(b"half")
    go(tmp_path, experiment(), DATA, resumed=True)
    assert not list(tmp_path.glob(".*.partial"))


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path):
    write_whole(tmp_path / "a", b"old")
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "b", b"new")  # a directory can't be replaced by a file
    assert (tmp_path / "a").read_bytes() == b"old" and {p.name for p in tmp_path.iterdir()} == {"a", "b"}


def damaged(whole: bytes, target: Path) -> dict[str, bytes | None]:
    """Files that are no checkpoint, by the reason to be given."""
    half, flipped = whole[: len(whole) // 2], bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    content = torch.load(io.BytesIO(whole), weights_only=True)
    other = {key: value for key, value in content.items() if key != "slots"}
    return {
        "can't be read as a checkpoint: it is empty": b"",
        "can't be read as a checkpoint: it is cut short, or something else": half,
        "can't be read as a checkpoint: its part .*data.* is damaged": bytes(flipped),
        "can't be read as a checkpoint: it is cut short, or something els[e]": pickle.dumps(Evil(target)),
        "it holds something else than tensors and plain values, which is not opened": packed(Evil(target)),
        "it holds something else than tensors and plain values, which is not opene[d]": packed(
            content | {"config": Evil(target)}
        ),
        "is no checkpoint of this program": packed({"state_dict": {}}),
        "is no checkpoint of this progra[m]": packed(torch.zeros(3)),
        "has format 99, and this version of train reads 3 and 4": packed(content | {"format": 99}),
        "is a checkpoint with parts missing": packed(other),
        "is a checkpoint with parts of the wrong kind": packed(content | {"theta": torch.zeros(3, 3)}),
        "is a checkpoint with parts of the wrong kin[d]": packed(content | {"step": "five"}),
        "is a checkpoint with parts of the wrong ki[n]d": packed(content | {"config": [1]}),
        "is a checkpoint with parts of the wrong [k]ind": packed(content | {"ring": torch.zeros(1, 3)}),
        "is a checkpoint with parts of the wrong k[i]nd": packed(content | {"slots": {"m": torch.zeros(1, 3)}}),
    }


def test_a_pickle_of_this_kind_is_dangerous(tmp_path):
    """What is refused below does run where a file is opened without care."""
    pickle.loads(pickle.dumps(Evil(tmp_path / "run")))
    assert (tmp_path / "run").exists()


@pytest.mark.parametrize("place", range(15))
def test_what_is_no_checkpoint_is_refused_in_one_line(saved, tmp_path, place, capfd):
    directory, target = Path(shutil.copytree(saved, tmp_path / "run")), tmp_path / "created by a pickle"
    reasons = damaged((saved / CHECKPOINT).read_bytes(), target)
    assert len(reasons) == 15
    reason, content = list(reasons.items())[place]
    (directory / CHECKPOINT).write_bytes(content)
    before = {path: path.read_bytes() for path in directory.iterdir()}
    assert resume(directory, {}) == 2
    err = capfd.readouterr().err
    assert re.search(reason, err) and str(directory / CHECKPOINT) in err and err.count("\n") == 1
    assert {path: path.read_bytes() for path in directory.iterdir() if path.name != ".lock"} == before
    assert not target.exists()


def test_no_damage_is_passed_over(saved, tmp_path):
    """Any cut and any flipped byte: refused in a sentence, or without effect."""
    whole, draws = (saved / CHECKPOINT).read_bytes(), random.Random(0)
    good = checkpoint.load(saved).state
    for _ in range(150):
        content = bytearray(whole)
        content[draws.randrange(len(whole))] ^= 1 << draws.randrange(8)
        content = content[: draws.randrange(len(whole))] if draws.random() < 0.2 else content
        (tmp_path / CHECKPOINT).write_bytes(content)
        try:
            state = checkpoint.load(tmp_path).state
        except CheckpointError as error:
            assert str(tmp_path / CHECKPOINT) in str(error) and "\n" not in str(error)
        else:
            assert torch.equal(state.theta, good.theta) and state.step == good.step


def saves(directory: Path, **keys: object) -> list[int]:
    """The updates after which a run of eight was saved."""
    found: list[int] = []
    run = StackRun([Job(experiment(**keys), directory)], DATA)

    def look() -> None:
        step = checkpoint.load(directory).state.step if (directory / CHECKPOINT).exists() else 0
        if step and step not in found:
            found.append(step)

    run.train(Nobody(), look)
    look()
    return found


def test_the_cadence(tmp_path):
    """A save is seen when the next update is over; the end is always saved."""
    for name, keys, expected in (
        ("epochs", {"epochs": 6, "checkpoint": {"epochs": 2, "seconds": None}}, [8, 16, 24]),
        ("neither", {"epochs": 6, "checkpoint": {"epochs": None, "seconds": None}}, [24]),
        ("default", {"epochs": 6}, [24]),
    ):
        (tmp_path / name).mkdir()
        assert saves(tmp_path / name, **keys) == expected


def test_the_cadence_in_seconds_takes_a_hundredth_of_the_time_at_most(tmp_path, monkeypatch):
    run = StackRun([Job(experiment(checkpoint={"seconds": 2.0}), tmp_path)], DATA)
    now = [run.saved_at]
    monkeypatch.setattr("trainer.run.stack_run.time.monotonic", lambda: now[0])
    due = []
    for now[0] in (run.saved_at + x for x in (1.9, 2.0)):
        due.append(run._checkpoint_is_due())
    run.save_took = 0.05
    for now[0] in (run.saved_at + x for x in (2.0, 4.9, 5.0)):
        due.append(run._checkpoint_is_due())
    assert due == [False, True, False, False, True]
    run._end({0: "interrupted"})


def test_best_is_the_network_of_the_best_epoch(tmp_path):
    e = experiment(epochs=6, optimizer={"name": "sgd", "lr": 1.0})
    states = {}
    run = StackRun([Job(e, tmp_path)], DATA)

    class Keep(Nobody):
        def record(self, record):
            states[record.epoch] = run.training.of(0).theta.clone()

    run.train(Keep(), lambda: None)
    best = run.summaries()[0]["best_epoch"]
    weight = torch.load(tmp_path / "best.pt", weights_only=True)["1.weight"]
    place = run.training.layout.parameters["linear1", "weight"]
    assert torch.equal(weight, place.view(states[best])[0])
    assert best != 6 and not torch.equal(weight, place.view(states[6])[0])
