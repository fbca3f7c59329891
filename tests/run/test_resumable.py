"""What `train resume` finds in a directory, without training on: what goes on, what is complete, what is refused and why."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from trainer.errors import CheckpointError, ConfigError
from trainer.experiment import Experiment
from trainer.run.process import process
from trainer.run.resume import resumable
from trainer.run.run import run_single
from trainer.run.stack_run import Job


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Path:
    """A run of one epoch with a decay that ends with it."""
    directory = tmp_path_factory.mktemp("runs") / "run"
    directory.mkdir()
    data = {"name": "synthetic", "samples": 60, "validation": 20, "features": 9}
    keys = {"model": {"name": "mlp", "hidden": [3]}, "batch_size": 20, "device": "cpu", "threads": 1, "epochs": 1}
    assert (
        run_single(Job(Experiment(dataset=data, decay="cosine", **keys), directory, ("decay=cosine", "epochs=1"))) == 0
    )
    return directory


@pytest.fixture
def run(complete, tmp_path, capfd) -> Path:
    """A copy that may be changed."""
    shutil.copytree(complete, tmp_path / "run")
    capfd.readouterr()
    return tmp_path / "run"


def change(run: Path, **keys: Any) -> None:
    """Change summary.json."""
    content = json.loads((run / "summary.json").read_text()) | keys
    (run / "summary.json").write_text(json.dumps(content))


def edit(run: Path, **keys: Any) -> None:
    """Change config.yaml; `dataset` and the like are changed in part."""
    content = yaml.safe_load((run / "config.yaml").read_text())
    for key, value in keys.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    (run / "config.yaml").write_text(yaml.safe_dump(content))


def refused(run: Path, error: type[ConfigError] = ConfigError, **settings: Any) -> str:
    with pytest.raises(error) as caught:
        resumable(run, settings)
    return str(caught.value).replace(str(run), "RUN")


def test_a_complete_run_goes_on_only_for_more_epochs(run, capfd):
    assert resumable(run, {}) is None and resumable(run, {"threads": 2}) is None
    found = resumable(run, {"epochs": 3}, held=True)
    assert found is not None and found.from_checkpoint
    assert (found.job.experiment.epochs, found.job.directory) == (3, run)
    assert found.job.overrides == ("decay=cosine", "epochs=1")
    expected = (
        "train: decay=cosine now ends at epoch 3 instead of 1: from here on the learning rate follows the longer schedule, "
        "which is not the same as a run of that length from the start.\n"
    )
    assert capfd.readouterr().err == expected


@pytest.mark.parametrize("status", ["interrupted", "terminated", "failed"])
def test_what_stopped_goes_on_and_nothing_is_said(status, run, capfd):
    change(run, status=status)
    found = resumable(run, {})
    assert found is not None and found.from_checkpoint and found.job.experiment.epochs == 1
    assert capfd.readouterr().err == ""


def test_a_decay_without_a_horizon_says_nothing_of_one(tmp_path, capfd):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").write_text("epochs: 1\ndataset: {name: synthetic}\n")
    found = resumable(tmp_path / "run", {"epochs": 4})
    assert found is not None and found.job.experiment.epochs == 4
    assert capfd.readouterr().err == ""


def test_a_run_that_is_being_trained_is_taken_and_one_whose_process_is_gone_goes_on(run):
    change(run, status="running", process=process())
    assert refused(run) == f"RUN is being trained right now by process {os.getpid()}."
    change(run, process=process() | {"boot": "another"})
    assert resumable(run, {}) is not None


def test_a_diverged_run_is_not_repeated(run):
    change(run, status="diverged")
    assert refused(run, epochs=9) == (
        "RUN diverged, and would again: start a new run with a lower optimizer.lr, or with clip=grad."
    )


def test_what_was_edited_is_shown_but_for_what_may_be_given(run):
    edit(run, seed=7, batch_size=5)
    assert refused(run, CheckpointError) == (
        "RUN/config.yaml no longer fits the checkpoint: batch_size was 20 and is 5; seed was 0 and is 7."
    )
    edit(run, seed=0, batch_size=20, optimizer={"lr": 0.5})
    assert refused(run, CheckpointError).endswith(": optimizer.lr was 0.2 and is 0.5.")
    edit(run, optimizer={"lr": 0.2}, threads=3, device="auto", name="other", checkpoint={"seconds": 1.0})
    assert resumable(run, {}) is None
    edit(run, epochs=2)
    change(run, status="interrupted")
    found = resumable(run, {})
    assert found is not None and found.job.experiment.epochs == 2


def test_without_a_checkpoint_it_begins_anew_unless_it_was_complete(run):
    (run / "checkpoint.pt").unlink()
    assert resumable(run, {}) is None
    gone = "RUN is complete and its checkpoint.pt is gone (checkpoint.keep=false removes it), so it can't be trained further."
    assert refused(run, epochs=2) == f"{gone} To train longer type: train from=RUN epochs=2"
    change(run, status="interrupted")
    found = resumable(run, {})
    assert found is not None and not found.from_checkpoint
    (run / "summary.json").unlink()
    found = resumable(run, {})
    assert found is not None and not found.from_checkpoint and found.job.overrides == ()


def test_what_is_no_run_is_said(run, tmp_path):
    assert refused(tmp_path / "nowhere") == "There is no directory RUN to resume."
    (run / "summary.json").unlink()
    assert (
        refused(run) == "RUN can't be resumed: its config.yaml or summary.json can't be read (summary.json is missing)."
    )
    (run / "summary.json").write_text("[")
    assert refused(run).startswith("RUN can't be resumed: its config.yaml or summary.json can't be read (")
    (run / "config.yaml").unlink()
    assert refused(run) == "RUN is no run's directory: it has no config.yaml."
    (run / "config.yaml").mkdir()
    assert refused(run).startswith("RUN can't be resumed: its config.yaml or summary.json can't be read (")


def test_settings_that_decide_a_run_are_refused_first(tmp_path):
    with pytest.raises(ConfigError, match="seed"):
        resumable(tmp_path / "nowhere", {"seed": 3})


def test_another_origin_is_told(run, capfd):
    versions = json.loads((run / "summary.json").read_text())["versions"]
    change(run, status="interrupted", versions=versions | {"torch": "1.0\x1b"})
    assert resumable(run, {}, held=True) is not None
    said = capfd.readouterr().err
    assert said.startswith(
        f"train: {run} began with PyTorch 1.0? and continues with {versions['torch']}: its numbers may differ"
    )
    assert said.count("\n") == 1
