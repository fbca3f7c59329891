"""Stopped anywhere and resumed, a run ends with the bits of one that was left alone; and what can't be resumed says why."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from commands import TINY, Command, rows, same_bits, summary, train, until
from stopping import Nobody, go
from subjects import experiment, tiny, varied
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.errors import CheckpointError, ConfigError
from trainer.experiment import GROUPS
from trainer.identity import FORMAT
from trainer.run import checkpoint
from trainer.run.lease import alone
from trainer.run.run import resume
from trainer.run.stack_run import Job, StackRun

DATA = tiny()  # four updates an epoch
TECHNIQUES = tuple(group for group in GROUPS if group not in ("dataset", "model"))


def covering() -> list[tuple[str, ...]]:
    """A word of each technique, so that any two words of different techniques meet at least once."""
    words = [tuple(GROUPS[group]) for group in TECHNIQUES]
    optimizers, clips, *others = words
    missing = {(a, x, b, y) for a, b in combinations(range(len(words)), 2) for x in words[a] for y in words[b]}
    chosen = []
    for pair in product(optimizers, clips):
        chosen.append(max((pair + rest for rest in product(*others)), key=lambda c: len(missing & met(c))))
        missing -= met(chosen[-1])
    assert not missing
    return chosen


def met(choice: tuple[str, ...]) -> set[tuple[int, str, int, str]]:
    return {(a, choice[a], b, choice[b]) for a, b in combinations(range(len(choice)), 2)}


CHOICES = covering()


@pytest.mark.parametrize("choice", CHOICES, ids="-".join)
def test_any_two_techniques_go_on_bit_for_bit(choice, tmp_path):
    place = CHOICES.index(choice)
    stop = place % 8 + 1  # in the middle of either epoch, after the first, at the end
    batch = None if choice[0] == "batch_gd" else 29
    techniques = {group: varied(group, word, place % 5) for group, word in zip(TECHNIQUES, choice, strict=True)}
    e = experiment(**techniques, batch_size=batch, epochs=2 if batch else 8, seed=place, record_every=place % 4 or None)
    go(tmp_path / "whole", e, DATA)
    go(tmp_path / "parts", e, DATA, stop=stop)
    assert summary(tmp_path / "parts")["status"] == ("interrupted" if stop < 8 else "completed")
    assert summary(tmp_path / "parts")["steps"] == stop
    run = go(tmp_path / "parts", e, DATA, resumed=True)
    assert len(run.training.data.train.labels) == 94 and run.training.updates == 8
    same_bits(tmp_path / "whole", tmp_path / "parts")


def test_stopped_after_every_single_update(tmp_path):
    techniques = {
        "optimizer": "adam",
        "normalization": "batch",
        "dropout": "half",
        "clip": "grad",
        "staleness": "random",
    }
    e = experiment(**techniques, target=0.2, record_every=3)
    go(tmp_path / "whole", e, DATA)
    go(tmp_path / "parts", e, DATA, stop=1)
    for stop in range(2, 9):
        go(tmp_path / "parts", e, DATA, stop=stop, resumed=True)
    same_bits(tmp_path / "whole", tmp_path / "parts")
    assert summary(tmp_path / "whole")["steps_to_target"]


def test_a_resume_that_restores_nothing_would_be_noticed(tmp_path):
    e = experiment(optimizer="adam")
    go(tmp_path / "whole", e, DATA)
    go(tmp_path / "parts", e, DATA, stop=5)
    content = torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)
    content["slots"] = {name: torch.zeros_like(slot) for name, slot in content["slots"].items()}
    torch.save(content, tmp_path / "parts" / "checkpoint.pt")
    go(tmp_path / "parts", e, DATA, resumed=True)
    with pytest.raises(AssertionError):
        same_bits(tmp_path / "whole", tmp_path / "parts")


def test_a_stack_goes_on_and_each_row_is_as_alone(tmp_path):
    stack = [experiment(seed=seed, optimizer=varied("optimizer", "nesterov", seed), epochs=3) for seed in range(3)]
    places = [tmp_path / f"stacked{seed}" for seed in range(3)]
    go(places, stack, DATA, stop=7)
    go(places, stack, DATA, resumed=True)
    for e, place in zip(stack, places, strict=True):
        go(tmp_path / f"alone{e.seed}", e, DATA)
        (place / "summary.json").write_text(json.dumps(summary(place) | {"stack": 1}))
        same_bits(tmp_path / f"alone{e.seed}", place)


@pytest.mark.parametrize("first", [0, 2])
def test_two_epochs_and_two_more_are_four(tmp_path, first):
    e = experiment(epochs=4, optimizer="momentum", clip="grad", dropout="half")
    go(tmp_path / "whole", e, DATA)
    go(tmp_path / "parts", replace(e, epochs=first), DATA)
    assert "test/accuracy" in rows(tmp_path / "parts")[-1]
    go(tmp_path / "parts", e, DATA, resumed=True)
    found = rows(tmp_path / "parts")
    assert ["test/accuracy" in row for row in found] == [False] * (len(found) - 1) + [True]
    assert yaml.safe_load((tmp_path / "parts" / "config.yaml").read_text()) == {"format": FORMAT, **e.to_dict()}
    if first:
        same_bits(tmp_path / "whole", tmp_path / "parts")
    else:
        assert found[1:] == rows(tmp_path / "whole")


@pytest.mark.parametrize("epochs", [0, 2])
def test_killed_between_the_last_update_and_the_last_word(tmp_path, epochs):
    """All is saved but the status: resuming only says so, and records nothing twice."""
    e = experiment(epochs=epochs)
    go(tmp_path / "whole", e, DATA)
    go(tmp_path / "parts", e, DATA)
    (tmp_path / "parts" / "summary.json").write_text(json.dumps(summary(tmp_path / "whole") | {"status": "running"}))
    (tmp_path / "parts" / "model.pt").unlink()
    go(tmp_path / "parts", e, DATA, resumed=True)
    same_bits(tmp_path / "whole", tmp_path / "parts")


def test_wall_time_adds_up(tmp_path):
    go(tmp_path, experiment(), DATA, stop=3)
    (tmp_path / "summary.json").write_text(json.dumps(summary(tmp_path) | {"wall_seconds": 1000.0}))
    go(tmp_path, experiment(), DATA, resumed=True)
    assert summary(tmp_path)["wall_seconds"] > 1000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the files of the killed run
def test_tensorboard_shows_one_line_without_zig_zag(tmp_path):
    e = experiment(epochs=6, checkpoint={"epochs": 2, "seconds": None})

    class Killed(BaseException): ...

    run = StackRun([Job(e, tmp_path)], DATA)
    with pytest.raises(Killed):  # after 5 epochs with the last checkpoint at 4: the fifth is trained and written twice
        run.train(Nobody(), lambda: kill(Killed) if run.training.state.step == 20 else None)
    assert checkpoint.load(tmp_path).state.step == 16 and rows(tmp_path)[-1]["step"] == 20
    go(tmp_path, e, DATA, resumed=True)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in events.Scalars("valid/loss")] == [4, 8, 12, 16, 20, 24]
    values = [row["valid/loss"] for row in rows(tmp_path)]
    assert [event.value for event in events.Scalars("valid/loss")] == pytest.approx(values)


def kill(error: type[BaseException]) -> None:
    raise error


# What can't be resumed


def refused(directory: Path, capfd: pytest.CaptureFixture, **settings: Any) -> str:
    """The one sentence of a refusal; nothing in the directory has changed."""
    before = contents(directory)
    assert resume(directory, settings) == 2
    out, err = capfd.readouterr()
    assert contents(directory) == before and out == "" and err.count("\n") == 1 and err.startswith("train: ")
    return err.removeprefix("train: ").rstrip("\n").replace(str(directory), "RUN")


def contents(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture
def stopped(tmp_path) -> Path:
    """A run of two epochs that was stopped after six of its eight updates."""
    go(tmp_path / "run", experiment(optimizer="adam", decay="cosine"), DATA, stop=6)
    return tmp_path / "run"


def test_a_directory_that_is_no_run(tmp_path, capfd):
    assert resume(tmp_path / "none", {}) == 2
    assert capfd.readouterr().err == f"train: There is no directory {tmp_path}/none to resume.\n"
    assert refused(tmp_path, capfd) == "RUN is no run's directory: it has no config.yaml."
    for text in ("", "[]", "{}", "null", '{"status": ', "\xff", "[" * 100_000):
        (tmp_path / "config.yaml").write_text("seed: 1")
        (tmp_path / "summary.json").write_text(text, encoding="latin-1")
        assert "can't be resumed: its config.yaml or summary.json can't be read (" in refused(tmp_path, capfd)
        (tmp_path / "summary.json").write_text('{"status": "interrupted"}')
        (tmp_path / "config.yaml").write_text(text[:500], encoding="latin-1")
        assert "can't be resumed: its config.yaml or summary.json can't be read (" in refused(tmp_path, capfd)


def test_an_edited_configuration_is_shown(stopped, capfd):
    config = (stopped / "config.yaml").read_text()
    (stopped / "config.yaml").write_text(config.replace("lr: 0.001", "lr: 0.01").replace("seed: 0", "seed: 5"))
    assert refused(stopped, capfd) == (
        "RUN/config.yaml no longer fits the checkpoint: optimizer.lr was 0.001 and is 0.01; seed was 0 and is 5."
    )


def test_an_edited_checkpoint_of_another_network(stopped, capfd):
    """Both files say 24 hidden units and the tensors are of 37."""
    e = experiment(optimizer="adam", decay="cosine", model={"name": "mlp", "hidden": [24]})
    content = torch.load(stopped / "checkpoint.pt", weights_only=True)
    torch.save(content | {"config": e.to_dict()}, stopped / "checkpoint.pt")
    (stopped / "config.yaml").write_text(yaml.safe_dump(e.to_dict()))
    before = contents(stopped)
    with pytest.raises(CheckpointError, match="is of another network or optimizer than .*config.yaml describes"):
        StackRun([Job(e, stopped)], DATA, resumed=True)
    assert contents(stopped) == before


@pytest.mark.parametrize(
    "other, sentence",
    [({"name": "other"}, "was trained on other, and now tiny is what"),
     ({"digest": "other"}, "was trained on tiny with other images, and now tiny is what")],
)  # fmt: skip
@pytest.mark.parametrize("strange", [0, 1])
def test_each_run_of_a_stack_goes_on_with_its_own_data_only(strange, other, sentence, tmp_path):
    """One checkpoint of two is of another data set of the same shape; whichever it is, neither run goes on."""
    data = replace(DATA, digest="own")
    stack, places = [experiment(seed=seed) for seed in range(2)], [tmp_path / "0", tmp_path / "1"]
    for place, (e, directory) in enumerate(zip(stack, places, strict=True)):
        go(directory, e, replace(data, **other) if place == strange else data, stop=3)
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match=f"{re.escape(str(places[strange]))} {sentence}"):
        go(places, stack, data, resumed=True)
    assert contents(tmp_path) == before


def test_fewer_epochs_than_are_done(tmp_path):
    go(tmp_path, experiment(epochs=3), DATA, stop=9)
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=r"epochs=2 is less than the 2\.25 epochs that .* has behind it"):
        StackRun([Job(experiment(epochs=2), tmp_path)], DATA, resumed=True)
    assert contents(tmp_path) == before


def test_lost_records_are_no_gap(stopped):
    (stopped / "metrics.jsonl").write_text("")
    with pytest.raises(CheckpointError, match="ends at update 0: records up to the checkpoint's 6 are lost"):
        StackRun([Job(experiment(optimizer="adam", decay="cosine"), stopped)], DATA, resumed=True)


def test_a_diverged_run_is_not_repeated(stopped, capfd):
    (stopped / "summary.json").write_text(json.dumps(summary(stopped) | {"status": "diverged"}))
    assert refused(stopped, capfd) == (
        "RUN diverged, and would again: start a new run with a lower optimizer.lr, or with clip=grad."
    )


def test_the_command_goes_on_with_more_epochs(tmp_path):
    """Completed says so; a longer cosine says what it does; a live run and a second resume are refused."""
    train(tmp_path, *TINY, "epochs=2", "name=a", "decay=cosine")
    done = train(tmp_path, "resume", "runs/a")
    assert (done.end(), done.out, done.err) == (
        0,
        "runs/a is complete. To train longer type: train resume runs/a epochs=4\n",
        "",
    )
    less = train(tmp_path, "resume", "runs/a", "epochs=1")
    assert less.end() == 2 and "epochs=1 is less than the 2 epochs that runs/a has behind it" in less.err
    assert summary(tmp_path / "runs/a")["status"] == "completed"
    long = Command(tmp_path, "resume", "runs/a", "epochs=100000")
    until(lambda: len(rows(tmp_path / "runs/a")) > 4)
    second = train(tmp_path, "resume", "runs/a")
    assert second.end() == 2
    assert re.fullmatch(rf"train: runs/a is being trained right now by process {long.process.pid}\.\n", second.err)
    long.process.kill()
    long.process.join()
    assert long.err.count("decay=cosine now ends at epoch 100000 instead of 2") == 1


def test_of_two_that_resume_at_once_one_does(tmp_path):
    train(tmp_path, *TINY, "epochs=1", "name=a")
    both = [Command(tmp_path, "resume", "runs/a", "epochs=60") for _ in range(2)]
    codes = sorted(command.end() for command in both)
    assert codes in ([0, 2], [0, 0])  # where one was done before the other came, that one found the run complete
    assert [row["epoch"] for row in rows(tmp_path / "runs/a")] == list(range(1, 61))


def test_a_run_that_is_being_resumed_is_taken(stopped, capfd):
    with alone(stopped):
        assert refused(stopped, capfd) == f"RUN is being trained right now by process {os.getpid()}."
