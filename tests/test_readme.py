"""The README against what it speaks of: its table of choices is conf/, its set-up lines are two, its pictures are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from commands import TINY

from trainer.experiment import GROUPS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def table_of_choices() -> str:
    """The table between the README's `choices` marks, from conf/: every choice, what it is, its keys with their defaults."""
    default = {key: word for entry in _defaults() for key, word in entry.items()}
    rows = ["| choice | what | keys |", "|---|---|---|"]
    for group in (*GROUPS, "experiment"):
        for path in sorted(
            (ROOT / "conf" / group).glob("*.yaml"), key=lambda p: (p.stem != default.get(group), p.stem)
        ):
            rows.append(_row(group, path, path.stem == default.get(group)))
    return "\n".join(rows)


def _defaults() -> list[dict[str, str]]:
    entries = yaml.safe_load((ROOT / "conf/config.yaml").read_text())["defaults"]
    return [entry for entry in entries if isinstance(entry, dict) and not any("override" in key for key in entry)]


def _row(group: str, path: Path, is_default: bool) -> str:
    comments = [line for line in path.read_text().splitlines() if line.startswith("# ") and "select with" in line]
    what = comments[0].removeprefix("# ").rsplit("; select with", 1)[0].replace("|", "\\|")
    values = yaml.safe_load(path.read_text()) if group != "experiment" else {}
    keys = ", ".join(f"`{key}={_shown(value)}`" for key, value in values.items() if key != "name")
    return f"| `{group}={path.stem}`{' (default)' if is_default else ''} | {what} | {keys} |"


def _shown(value: object) -> str:
    """A value as YAML and the command line write it."""
    return yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("...").strip().replace(" ", "")


def test_the_table_of_choices_is_what_conf_holds():
    assert f"<!-- choices -->\n{table_of_choices()}\n<!-- /choices -->" in README


def test_there_are_exactly_two_set_up_lines_of_one_line_each():
    blocks = re.findall(r"<!-- (run|test) -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert [name for name, _ in blocks] == ["run", "test"]
    assert all("\n" not in line and "pip install" in line for _, line in blocks)
    assert README.count("pip install") == 2


def test_every_picture_and_file_it_links_to_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_source_file_it_names_in_the_layout_is_there():
    layout = README.split("## The code")[1].split("### Adding")[0]
    names = re.findall(r"`([a-z_/]+(?:\.py|/))`", layout)
    assert names
    missing = [name for name in names if not (ROOT / name).exists() and not (ROOT / "trainer" / name).exists()]
    assert not missing


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the program with the README's new technique put in as the README says."""
    copy = tmp_path_factory.mktemp("extended")
    for name in ("trainer", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", copy)
    section = README.split("### Adding a technique")[1]
    (code,), (config,) = (
        re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL) for language in ("python", "yaml")
    )
    (module,), (path,) = re.findall(r"`(trainer/\S+\.py)`", section), re.findall(r"`(conf/\S+\.yaml)`", section)
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
    assert "sign_sgd" in train("--help")


@pytest.mark.skipif(not find_spec("mypy"), reason="needs mypy: pip install mypy")
def test_the_technique_it_adds_has_types(extended):
    files = ["trainer/techniques/optimizers.py", "trainer/techniques/numbers.py"]
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=skip", *files]
    done = subprocess.run(command, cwd=extended, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_tests_that_reliability_names_are_there():
    named = set(re.findall(r"`(test_\w+\.py)`", (ROOT / "docs/reliability.md").read_text()))
    assert len(named) > 10 and named <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}
