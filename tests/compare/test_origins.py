"""Runs of different versions and processors in one table, and a run that goes on elsewhere."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

from commands import TINY
from compare_runs import momentum, sgd, write_run

import cli
from trainer.report.origin import differences, origin, processor

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reproducibility.md"


def tables_warning(capsys, root) -> str:
    assert cli.run(["compare", str(root)]) == 0
    return "".join(line for line in capsys.readouterr().out.splitlines() if "different environments" in line)


def write(root, number: int, optimizer: dict, **summary: object) -> None:
    write_run(root, number, optimizer=optimizer, summary={"versions": {"torch": "2.14.1"}, "processor": "A"} | summary)


def test_a_table_of_one_environment_has_no_warning(tmp_path, capsys):
    for seed in range(3):
        write(tmp_path, seed, sgd())
        write(tmp_path, seed, momentum())
    write_run(tmp_path, 3, optimizer=sgd())  # an older version's summary names none
    assert tables_warning(capsys, tmp_path) == ""


def test_other_versions_and_processors_are_named(tmp_path, capsys):
    for seed in range(3):
        write(tmp_path, seed, sgd())
        write(tmp_path, seed, momentum(), versions={"torch": "2.15.0"}, processor="B")
    assert "(PyTorch 2.14.1, 2.15.0; processor A, B)" in tables_warning(capsys, tmp_path)


def test_what_a_summary_tells_of_its_origin():
    assert processor()
    summary = {"versions": {"torch": "2.6.0", "numpy": "1.26.0"}, "processor": "A", "device": "cuda:1"}
    assert origin(summary) == {"PyTorch": "2.6.0", "processor": "A", "device": "cuda"}
    assert origin({"versions": None}) == {}
    assert differences([origin(summary), {}, origin(summary | {"processor": "B"})]) == {"processor": ["A", "B"]}


def test_a_run_that_goes_on_elsewhere_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run([*TINY, "epochs=1", "name=one"]) == 0
    path = tmp_path / "runs/one/summary.json"
    assert json.loads(path.read_text())["processor"] == processor()
    elsewhere = {"processor": "Z80", "versions": {"torch": "0.1"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | elsewhere))
    capsys.readouterr()
    for words, warns in (
        (["epochs=2"], True),
        (["epochs=3"], False),
    ):  # the summary names the processor of the last part
        assert cli.run(["resume", "runs/one", *words]) == 0
        said = capsys.readouterr().err
        for name, then, now in (("processor", "Z80", processor()), ("PyTorch", "0.1", version("torch"))):
            assert (f"runs/one began with {name} {then} and continues with {now}: " in said) is warns


def test_the_program_on_the_page_tells_equal_networks_from_others(tmp_path, monkeypatch, capsys):
    """docs/reproducibility.md: its program compares runs/old with runs/new."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for name, seed in (("old", 0), ("new", 0), ("other", 1)):
        assert cli.run([*TINY, "epochs=1", f"name={name}", f"seed={seed}", "-q"]) == 0
    exec(program, {})
    assert capsys.readouterr().out == "True 0.0\n"
    exec(program.replace('"new"', '"other"'), {})
    assert re.fullmatch(r"False 0\.\d+\n", capsys.readouterr().out)


def test_every_test_it_names_is_there():
    named = set(re.findall(r"`(test_\w+\.py)`", PAGE.read_text(encoding="utf-8")))
    assert named and named <= {path.name for path in (ROOT / "tests").rglob("*.py")}
