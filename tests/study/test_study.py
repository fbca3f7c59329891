"""Whole studies by the real command, on synthetic data: their files, their end, a kill in between, and wrong words."""

from __future__ import annotations

import json
import os
import shlex
import signal
from pathlib import Path

import pytest
from commands import Command, train, until

from trainer.errors import ConfigError
from trainer.study import ask
from trainer.study.choosing import SEEDS, STEPS

DATA = (
    *("dataset=synthetic", "dataset.samples=300", "dataset.validation=60", "dataset.features=48"),
    *("model.hidden=[8]", "batch_size=60", "device=cpu", "epochs=2"),
)
WORDS = ("study", "clip=grad", *DATA, "clip.threshold=0.1", "seeds=3", "hydra.launcher.workers=1", "name=s")


def study_json(cwd: Path) -> dict:
    return json.loads((cwd / "runs/s/study.json").read_text())


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    cwd = tmp_path_factory.mktemp("study")
    command = train(cwd, *WORDS)
    assert command.process.exitcode == 0, command.out + command.err
    return cwd


def test_a_study_ends_with_its_sentences_and_files(done):
    out = (done / "out.0").read_text()
    data = study_json(done)
    assert data["status"] == "completed"
    assert out.startswith("Does clip=grad help? 2 configurations.")
    assert " ".join(data["sentences"][0].split()) in " ".join(out.split())
    assert any("It acted in" in sentence for sentence in data["sentences"])
    files = {path.name for path in (done / "runs/s").iterdir() if not path.name.startswith(".")}
    assert files == {"study.json", "study.md", "choose", "judge", "effects.png", "accuracy.png", "rates.png"}


def test_rates_are_chosen_on_some_seeds_and_judged_on_others(done):
    def configs(sweep: str) -> list[dict]:
        cells = json.loads((done / f"runs/s/{sweep}/sweep.json").read_text())["cells"]
        return [cell["config"] for cell in cells]

    assert {config["seed"] for config in configs("choose")} == set(SEEDS)
    assert {config["seed"] for config in configs("judge")} == {1000, 1001, 1002}
    for word in ("none", "grad"):
        rates = {config["optimizer"]["lr"] for config in configs("choose") if config["clip"]["name"] == word}
        assert len(rates) >= len(STEPS)
        (judged,) = {config["optimizer"]["lr"] for config in configs("judge") if config["clip"]["name"] == word}
        assert judged in rates
    assert {c["clip"].get("threshold") for c in configs("judge")} == {None, 0.1}  # a number goes where its word is


def test_its_sweeps_are_sweeps(done):
    assert train(done, "compare", "runs/s/judge", "--metric", "test/accuracy").process.exitcode == 0
    assert (done / "runs/s/judge/results.csv").exists()


def test_again_trains_nothing_and_says_the_same(done):
    before = study_json(done)
    written = {path: path.stat().st_mtime_ns for path in (done / "runs/s").glob("*/*/summary.json")}
    for words in (WORDS, ("resume", "runs/s")):
        command = train(done, *words)
        assert command.process.exitcode == 0, command.err
        assert "runs to do" not in command.out  # nothing to train
    assert study_json(done) == before
    assert written == {path: path.stat().st_mtime_ns for path in (done / "runs/s").glob("*/*/summary.json")}


def test_it_can_be_silent(done):
    for words in (WORDS, ("resume", "runs/s")):
        command = train(done, "-q", *words)
        assert (command.out, command.err, command.process.exitcode) == ("", "", 0)


@pytest.mark.parametrize(
    ("number", "sweep", "code"),
    [(signal.SIGKILL, "judge", -9), (signal.SIGINT, "choose", 130), (signal.SIGTERM, "judge", 143)],
)
def test_stopped_and_resumed_it_answers_the_same(done, tmp_path, number, sweep, code):
    command = Command(tmp_path, *WORDS)
    until(lambda: list((tmp_path / "runs/s" / sweep).glob("*/metrics.jsonl")))
    assert command.send(number).end() == code
    if code > 0:
        assert "train resume runs/s" in command.out
    assert study_json(tmp_path)["status"] == "running"
    resumed = train(tmp_path, "resume", "runs/s")
    assert resumed.process.exitcode == 0, resumed.err
    assert study_json(tmp_path) == study_json(done)


def test_another_question_under_the_same_name_is_refused_and_nothing_changes(done):
    before = study_json(done)
    command = train(done, "study", "dropout=half", *DATA, "name=s")
    assert command.process.exitcode == 2
    assert command.err == "train: runs/s holds a study of another question: choose another name.\n"
    assert study_json(done) == before


def test_from_python_the_same_question_has_the_same_answer(done, monkeypatch):
    monkeypatch.chdir(done)
    data = {"name": "synthetic", "samples": 300, "validation": 60, "features": 48}
    common = {"dataset": data, "model": {"name": "mlp", "hidden": [8]}, "batch_size": 60, "device": "cpu", "epochs": 2}
    with pytest.raises(ConfigError, match="with another clip.threshold"):
        ask(clip="grad", **common, seeds=3, name="s")
    answer = ask(dropout="half", **common, seeds=2)
    assert [one.comparison.word for one in answer.verdicts] == ["half"]
    assert json.loads((answer.directory / "study.json").read_text())["seeds"] == 2


MISTAKES = {
    "optimizer=momentm": "There is no optimizer=momentm. Did you mean 'momentum'?",
    "clip=grad optimizer=sgd,adma": "There is no optimizer=adma. Did you mean 'adam'?",
    "": "train study needs a technique to ask about: type, for instance, train study optimizer=momentum clip=grad.",
    "clip=none": "train study needs a technique to ask about",
    "clip=grad margin=-1": "margin=-1 is not allowed: it must be a number of points above 0, for instance margin=0.1.",
    "clip=grad margin=wide": "margin=wide is not allowed",
    "clip=grad seeds=1": "seeds=1 is not allowed: it must be a whole number from 2 to 1000.",
    "clip=grad seed=3": "A study chooses seed itself; leave it out: seeds=N says how many may judge at most.",
    "clip=grad optimizer.lr=1": "A study chooses optimizer.lr itself; leave it out: each optimizer is tried around its",
    "clip=grad epochs=1,2": "epochs=1,2 has several values, and a study compares techniques: lists are for optimizer, ",
    "clip=grad dropout.rate=0.2": "dropout.rate belongs to dropout=half: add dropout=half.",
    "clip=grad epoch=3": "There is no key 'epoch'. Did you mean 'epochs'?",
    "clip=grad dataset.validation=0": "A study chooses learning rates on validation images",
    "clip=grad epochs=0": "epochs=0 trains nothing",
    "clip=grad name=../x": "name=../x can't name a directory",
    "clip=grad hydra.sweep.dir=x": "hydra.sweep.dir=x: of Hydra's settings train study takes hydra.launcher.workers alone.",
    "experiment=learning_rates": "experiment=learning_rates varies optimizer.lr, and a study compares techniques",
    "grad": "train study takes key=value words, and grad is none. See: train study --help",
    "clip=grad -m": "train study takes no --multirun. See: train study --help",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_one_sentence_and_nothing_is_written(tmp_path, words):
    command = train(tmp_path, "study", *shlex.split(words))
    assert command.process.exitcode == 2
    assert command.err.startswith(f"train: {MISTAKES[words]}")
    assert command.err.count("\n") == 1 and command.out == ""
    assert set(os.listdir(tmp_path)) == {"out.0", "err.0"}


def test_resuming_changes_nothing_of_a_study(done):
    command = train(done, "resume", "runs/s", "epochs=5")
    assert command.process.exitcode == 2
    assert "can't be changed by resuming" in command.err


def test_help_needs_no_torch(done):
    command = train(done, "study", "--help")
    assert command.process.exitcode == 0
    assert "train study optimizer=sgd,momentum,adam" in command.out
