"""docs/how-to/: the technique that one page adds trains, has types and is explained; the data of another train as it says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from commands import TINY, Command
from pages import shown, wrong

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the program with the new technique put in as the page says."""
    copy = tmp_path_factory.mktemp("extended")
    for name in ("trainer", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", copy)
    page = (ROOT / "docs/how-to/technique.md").read_text(encoding="utf-8")
    code, config = (re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1] for language in ("python", "yaml"))
    module, path = re.search(r"`(trainer/\S+\.py)`", page)[1], re.search(r"`(conf/\S+\.yaml)`", page)[1]
    rules, table = re.fullmatch(r"(.*\n)(\w+: dict.*)", (copy / module).read_text(), re.DOTALL).groups()
    entry = re.search(r"class (\w+)", code)[1]
    (copy / module).write_text(f"{rules}{code}\n\n{table[::-1].replace(')', f', {entry})'[::-1], 1)[::-1]}")
    (copy / path).write_text(config)
    return copy


def test_the_technique_it_adds_trains(extended):
    def train(*words: str) -> str:
        command = [sys.executable, "cli.py", *words]
        done = subprocess.run(command, cwd=extended, env={"PATH": ""}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    train("optimizer=sign_sgd", *TINY, "epochs=2", "name=signs")
    summary = json.loads((extended / "runs/signs/summary.json").read_text())
    config = yaml.safe_load((extended / "runs/signs/config.yaml").read_text())
    assert summary["status"] == "completed" and summary["steps"] == 8
    assert config["optimizer"] == {"name": "sign_sgd", "lr": 0.001, "weight_decay": 0.0}
    assert "sign_sgd" in train("--help") and "Bernstein" in train("help", "optimizer=sign_sgd")


@pytest.mark.skipif(not find_spec("mypy"), reason="needs mypy: pip install mypy")
def test_the_technique_it_adds_has_types(extended):
    files = ["trainer/techniques/optimizers.py", "trainer/techniques/numbers.py"]
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=skip", *files]
    done = subprocess.run(command, cwd=extended, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_own_data_train_as_the_page_says(tmp_path, monkeypatch):
    page = (ROOT / "docs/how-to/own_data.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], {})
    ((command, output),) = shown(page)
    ended = Command(tmp_path, *shlex.split(command)[1:])
    assert ended.end() == 0, ended.err
    assert wrong(output, ended.out) == []


def test_the_notebook_page_runs(tmp_path, monkeypatch):
    page = (ROOT / "docs/how-to/notebook.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    assert len(names["table"]) == 6 and "momentum" in str(names["compared"]) and "momentum" in str(names["answer"])
