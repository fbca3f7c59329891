"""Run directories from strangers: resume answers in a sentence, writes nowhere else, waits for nothing, and nothing that it
prints steers the terminal."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from commands import TINY, Command, summary, train
from evil import packed
from stopping import go
from subjects import experiment, tiny

from trainer.errors import CheckpointError, ConfigError
from trainer.report.files import LogFile, write_whole
from trainer.run import checkpoint
from trainer.run.export import load_model
from trainer.run.run import resume
from trainer.sweep.sweep import resume_sweep

ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A run that was stopped, its data synthetic so that the real command can go on with it."""
    place = tmp_path_factory.mktemp("template")
    assert train(place, *TINY, "epochs=2", "name=run").end() == 0
    return place / "runs/run"


@pytest.fixture
def run(template, tmp_path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "run"))


def answer(directory: Path, capfd: pytest.CaptureFixture) -> str:
    """What resume says; it refuses, in one line without control characters."""
    assert resume(directory, {"epochs": 3}) == 2
    said = capfd.readouterr()
    assert said.err.count("\n") == 1 and said.err.strip().isprintable() and not said.out
    return said.err


@pytest.mark.parametrize("file", ["config.yaml", "summary.json", "checkpoint.pt"])
@pytest.mark.parametrize("kind", ["fifo", "device", "directory"])
def test_what_is_no_file_is_never_opened(file, kind, run, capfd):
    (run / file).unlink()
    make = {"fifo": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero"), "directory": Path.mkdir}[kind]
    make(run / file)
    assert "it is no regular file" in answer(run, capfd)
    with pytest.raises(ConfigError):
        (run / "model.pt").unlink()
        make(run / "model.pt")
        load_model(run)


def test_a_pipe_for_a_log_or_for_metrics_is_not_waited_for(run, capfd):
    (run / "train.log").unlink()
    os.mkfifo(run / "train.log")
    assert resume(run, {"epochs": 3}) == 0
    assert "train.log can't be written and is left out from here" in capfd.readouterr().err
    (run / "metrics.jsonl").unlink()
    os.mkfifo(run / "metrics.jsonl")
    assert resume(run, {"epochs": 4}) == 2
    assert "records up to the checkpoint's 12 are lost" in capfd.readouterr().err


def test_a_linked_log_is_not_continued_somewhere_else(run, tmp_path, capfd):
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    (run / "train.log").unlink()
    (run / "train.log").symlink_to(victim)
    assert resume(run, {"epochs": 3}) == 0
    assert victim.read_text() == "mine\n"
    assert (
        "train.log can't be written and is left out from here: Too many levels of symbolic links"
        in capfd.readouterr().err
    )


def test_nor_is_any_other_file_written_through_a_link(run, tmp_path):
    """Files are replaced, and what a link points to stays; a partial file is a new one."""
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    for name in ("config.yaml", "summary.json", "metrics.jsonl"):
        shutil.copy(run / name, tmp_path / name)
        (run / name).unlink()
        (run / name).symlink_to(tmp_path / name)
    before = {name: (tmp_path / name).read_bytes() for name in ("config.yaml", "summary.json", "metrics.jsonl")}
    for name in ("best.pt", "model.pt", f".summary.json.{os.getpid()}.partial"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(victim)
    assert resume(run, {"epochs": 3}) == 0
    write_whole(run / "summary.json", b"{}")
    assert victim.read_text() == "mine\n"
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_log_is_a_plain_file(tmp_path):
    for text in ("one", "two"):
        log = LogFile(tmp_path)
        log.write(text)
        log.close()
    assert (tmp_path / "train.log").read_text().count("\n") == 2


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "- " * 100_000, BOMB, "epochs: " + "9" * 5000, "".join(f"k{i}: 1\n" for i in range(20_000))],
)
def test_a_configuration_that_is_a_weapon(text, run, capfd):
    (run / "config.yaml").write_text(text)
    assert "can't be resumed: its config.yaml or summary.json can't be read (" in answer(run, capfd)
    with pytest.raises(ConfigError, match="can't be read as the configuration of a run"):
        load_model(run)


@pytest.mark.parametrize("overrides", ["null", "5", '{"a": 1}', "[1, null, [2]]"])
def test_overrides_of_another_kind_are_none(overrides, run):
    (run / "summary.json").write_text(json.dumps(summary(run) | {"overrides": json.loads(overrides)}))
    assert resume(run, {"epochs": 3}) == 0
    assert summary(run)["overrides"] == []


@pytest.mark.parametrize(
    "row", ['{"step": 4, "seconds": 1}', '{"epoch": 1, "step": [4], "seconds": 1}', "[]", '{"step": NaN}']
)
def test_metrics_without_an_epoch(row, run, capfd):
    (run / "metrics.jsonl").write_text(f"{row}\n")
    assert "metrics.jsonl ends at update 0: records up to the checkpoint's 8 are lost" in answer(run, capfd)


def spread() -> torch.Tensor:
    """A tensor of terabytes in a file of some bytes."""
    return torch.zeros(1).expand(1, 10**12)


def deep() -> list:
    inner: list = []
    for _ in range(200):
        inner = [inner]
    return inner


def many() -> list:
    inner: list = [1] * 10
    for _ in range(30):
        inner = [inner] * 10
    return inner


PARTS = {
    "spread": lambda: {"theta": spread()},
    "sparse": lambda: {"theta": torch.zeros(1, 5).to_sparse()},
    "a truth for a step": lambda: {"step": True},
    "a step beyond all bounds": lambda: {"step": 2**70},
    "half a step": lambda: {"step": 1.5},
    "nan": lambda: {"seconds": float("nan")},
    "infinity": lambda: {"seconds": float("inf")},
    "a list of slots": lambda: {"slots": []},
    "a number for a slot": lambda: {"slots": {"m": 5}},
    "deep": lambda: {"config": {"a": deep()}},
    "many": lambda: {"config": {"a": many()}},
    "keys that are no text": lambda: {"config": {1: 2}},
    "a number for a data set": lambda: {"dataset": 5},
    "no digest": lambda: {"digest": None},
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_of_a_checkpoint_of_another_kind(part, tmp_path):
    go(tmp_path / "run", experiment(optimizer="adam"), tiny(), stop=3)
    content = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    (tmp_path / "run/checkpoint.pt").write_bytes(packed(content | PARTS[part]()))
    with pytest.raises(CheckpointError, match="is a checkpoint with parts (of the wrong kind|missing)"):
        checkpoint.load(tmp_path / "run")


def test_a_packed_archive_is_not_unpacked(run, capfd):
    """A few kilobytes could become terabytes."""
    with (
        zipfile.ZipFile(run / "checkpoint.pt") as stored,
        zipfile.ZipFile(run / "x", "w", zipfile.ZIP_DEFLATED) as file,
    ):
        for part in stored.infolist():
            file.writestr(part.filename, stored.read(part))
    os.replace(run / "x", run / "checkpoint.pt")
    assert "its parts are packed" in answer(run, capfd)


def test_a_network_that_is_none(run):
    for content in ([], {"a": 1}, {"x.weight": torch.zeros(3)}, {"x.weight": torch.zeros(3, 3)}, {}, 5):
        (run / "model.pt").write_bytes(packed(content))
        with pytest.raises(ConfigError, match="is not the network that .*config.yaml describes"):
            load_model(run)


def test_escape_sequences_reach_no_terminal(run, capfd):
    """From a checkpoint, a configuration, a sweep's list; a mirror's come by the same way."""
    content = torch.load(run / "checkpoint.pt", weights_only=True)
    (run / "checkpoint.pt").write_bytes(packed(content | {"dataset": ESCAPE}))
    assert "was trained on ?]0;owned??[2J, and now synthetic" in answer(run, capfd)
    (run / "checkpoint.pt").write_bytes(packed(content | {"config": content["config"] | {"seed": ESCAPE}}))
    assert "seed was ?]0;owned??[2J and is 0" in answer(run, capfd)
    config = yaml.safe_load((run / "config.yaml").read_text())
    for wrong in ({"optimizer": {"name": ESCAPE}}, {ESCAPE: 1}, {"seed": ESCAPE}, {"device": ESCAPE}):
        (run / "config.yaml").write_text(yaml.safe_dump(config | wrong))
        assert "owned" in answer(run, capfd)
    (run / "sweep.json").write_text(
        '{"cells": [{"config": {}, "name": "\\u001b[2J", "overrides": []}], "settings": {}}'
    )
    assert resume_sweep(run, {}) == 2
    assert "is no name of a directory" in (err := capfd.readouterr().err) and "\x1b" not in err


def test_nor_do_those_of_the_command_line(tmp_path):
    for words in (["resume", ESCAPE], [f"optimizer={ESCAPE}"], ["compare", ESCAPE], [f"{ESCAPE}=1"]):
        command = Command(tmp_path, *words)
        assert command.end() == 2
        assert "owned" in command.err and "\x1b" not in command.err + command.out
