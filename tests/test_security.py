"""Nothing a stranger sends can run, secrets of the environment are in no output, and no name leaves runs/."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import pytest
import torch
from commands import TINY, Command, train
from evil import Evil, packed

from trainer import ConfigError, load_model

SECRET = "hunter2-do-not-tell"
WORDS = (*TINY, "epochs=1")


def test_a_secret_of_the_environment_is_in_no_file_of_a_run(tmp_path):
    assert train(tmp_path, *WORDS, "name=run", SECRET=SECRET).end() == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "word", ["name=${oc.env:SECRET}", "dataset.root=${oc.env:SECRET}", "hydra.job.env_copy=[SECRET]"]
)
def test_a_configuration_can_not_ask_for_it(tmp_path, word):
    run = train(tmp_path, *WORDS[1:], "dataset=mnist", word, SECRET=SECRET)
    assert run.end() == 2 and SECRET not in run.out + run.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", "a/b", "..", ".", "a b", "$(touch out)", "-rf", ".hidden", "a\\nb"]
)
def test_no_name_leaves_the_directory_of_runs(tmp_path, name):
    run = train(tmp_path / "here", *WORDS, f'name="{name}"')
    assert run.end() == 2 and run.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"here"}
    assert {path.name for path in (tmp_path / "here").iterdir()} == {"out.0", "err.0"}


def test_a_pickle_in_a_run_directory_is_not_opened(tmp_path):
    """model.pt, which load_model reads, as well as the checkpoint (tests/test_checkpoint.py)."""
    assert train(tmp_path, *WORDS, "name=run").end() == 0
    for content in (packed(Evil(tmp_path / "made")), pickle.dumps(Evil(tmp_path / "made"))):
        (tmp_path / "runs/run/model.pt").write_bytes(content)
        with (
            pytest.raises(ConfigError, match="can't be read as a checkpoint"),
            warnings.catch_warnings(action="ignore"),
        ):
            load_model(tmp_path / "runs/run")
    (tmp_path / "runs/run/config.yaml").write_text(f"seed: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    for command in (Command(tmp_path, "resume", "runs/run"), Command(tmp_path, "compare", "runs")):
        assert command.end() == 2
    assert not (tmp_path / "made").exists()


def test_files_hold_tensors_and_plain_values_alone(tmp_path):
    assert train(tmp_path, *WORDS, "name=run").end() == 0
    for path in Path(tmp_path / "runs/run").glob("*.pt"):
        torch.load(path, weights_only=True)
    for path in (tmp_path / "runs/run").rglob("*.yaml"):
        assert "!!python" not in path.read_text()
    assert "_target_" not in (tmp_path / "runs/run/config.yaml").read_text()
