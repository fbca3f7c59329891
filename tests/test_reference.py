"""docs/reference.md: its tables are the program's, and real runs leave the files, keys and metrics that it names.

`python tests/test_reference.py` writes the tables between the marks anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from commands import TINY, train

from trainer.compare import arguments as compare
from trainer.errors import ExitCode
from trainer.identity import HOUSEKEEPING
from trainer.listing import arguments as runs
from trainer.records import Status
from trainer.shell.choice_files import groups, main_settings
from trainer.shell.help import COMMANDS, OPTIONS
from trainer.show import command as show
from trainer.webpage import command as report

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference.md"
TEXT = PAGE.read_text(encoding="utf-8")


def tables() -> dict[str, str]:
    """What stands between the marks."""
    settings = [(f"`{each.key}`", f"`{each.default}`", each.meaning) for each in main_settings(ROOT / "conf")]
    choices = [
        (f"[`{each.name}`](choices.md#{each.name})", f"`{each.default}`" if each.default else "-", each.what)
        for each in groups(ROOT / "conf")
    ]
    parsers = {
        "compare": compare.parser(), "report": report.parser(), "runs": runs.parser(), "show": show.parser(),
    }  # fmt: skip
    return {
        "commands": _table(("command", "does"), ((f"`{typed}`", what) for typed, what in COMMANDS.items())),
        "options": "\n\n".join(
            [
                f"### Options of `train`\n\n{_table(('option', 'what'), ((f'`{o}`', what) for o, what in OPTIONS.items()))}",
                *(f"### Options of `train {verb}`\n\n{_options(parser)}" for verb, parser in parsers.items()),
            ]
        ),
        "settings": _table(("key", "default", "what"), settings),
        "groups": _table(("group", "default", "what"), choices),
    }


def _options(parser) -> str:
    """A parser's arguments as a table."""
    rows = [
        (f"`{compare._typed(action)}`", (action.help or "").replace("%%", "%"))
        for action in parser._actions
        if action.dest != "help"
    ]
    return _table(("option", "what"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def page() -> str:
    """The page with its tables as they should be."""
    text = TEXT
    for name, table in tables().items():
        text = re.sub(
            f"<!-- {name} -->.*?<!-- /{name} -->",
            lambda _, t=table, n=name: f"<!-- {n} -->\n{t}\n<!-- /{n} -->",
            text,
            flags=re.DOTALL,
        )
    return text


def section(title: str) -> str:
    """The text below a heading, up to the next one of any level."""
    return re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE)[1]


def named(title: str) -> list[str]:
    """The words in backticks in the first column of a section's tables."""
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


@pytest.fixture(scope="module")
def left(tmp_path_factory) -> Path:
    """The folder in which a run and a sweep of two were trained, with everything on."""
    folder = tmp_path_factory.mktemp("reference")
    words = (*TINY, "clip=grad", "normalization=batch", "epochs=1", "target=0.1")
    assert train(folder, *words, "name=one", "report.images=true").process.exitcode == 0
    assert train(folder, "-m", *words, "seed=0,1", "name=two").process.exitcode == 0
    return folder / "runs"


def test_the_tables_are_the_programs():
    assert page() == TEXT


def test_a_run_leaves_the_files_it_names_and_no_others(left):
    wanted = {name.rstrip("/*").rstrip(".") for name in named("The directory of a run")}
    found = {path.name if "tfevents" not in path.name else "events.out.tfevents" for path in (left / "one").iterdir()}
    assert found - {".lease"} == wanted


def test_a_sweep_leaves_the_files_it_names_and_no_others(left):
    found = {path.name for path in (left / "two").iterdir() if "seed=" not in path.name}
    assert found - {".lease"} == {name.rstrip("/") for name in named("The directory of a sweep")} - {".replaced"}


def layerless(names: Iterable[str]) -> set[str]:
    return {re.sub(r"(?<=/)(linear|norm)\d+$", "<layer>", name) for name in names}


def test_a_summary_has_the_keys_it_names_and_no_others(left):
    summary = json.loads((left / "one/summary.json").read_text())
    assert layerless(summary) == {*named("summary.json"), *named("Metrics")}
    assert set(summary["versions"]) == {"python", "train", "torch", "numpy", "hydra"}
    assert set(summary["guessing"]["valid"]) == {"images", "accuracy", "loss"}


def test_a_record_has_the_metrics_it_names_and_no_others(left):
    records = [json.loads(line) for line in (left / "one/metrics.jsonl").read_text().splitlines()]
    keys = layerless(key for record in records for key in record)
    assert keys - {"epoch", "step", "seconds"} == set(named("Metrics"))


def test_it_names_every_status_and_exit_code():
    assert set(named("Status")) == set(Status)
    codes = re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in ExitCode]


def test_it_names_the_keys_that_are_no_part_of_what_a_run_is():
    sentence = re.search(r"no part of what a run \*is\*: (.*?)\. They", TEXT, re.DOTALL)[1]
    keys = {word.removesuffix(".*") for word in re.findall(r"`([^`]+)`", sentence)}
    assert keys == set(HOUSEKEEPING) - {"format"}


def test_it_names_every_environment_variable():
    read = {
        name
        for path in (ROOT / "trainer").rglob("*.py")
        for name in re.findall(r"""["'](TRAIN_[A-Z]+)["']""", path.read_text(encoding="utf-8"))
    }
    ours = {name.partition("=")[0] for name in named("Environment variables") if name.startswith("TRAIN_")}
    assert ours == read - {"TRAIN_BREAKS", "TRAIN_COMMAND"}  # completion's own


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
