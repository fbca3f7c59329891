"""Every `train` command that a document shows is accepted: composed and checked as the command itself does before it trains."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import composing
import pytest
from composing import CONF, ROOT, sweep_of
from hydra.types import RunMode

from trainer.compare import arguments as compare
from trainer.listing import arguments as runs
from trainer.shell.composing import experiment_of
from trainer.shell.explaining import explain
from trainer.shell.options import parse_line
from trainer.shell.study import question_of
from trainer.show import command as show
from trainer.webpage import command as report

PARSERS = {"compare": compare.parser, "report": report.parser, "runs": runs.parser, "show": show.parser}
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
ELSEWHERE = re.compile(r"^from=|^dataset=files$|[A-Z]{3,}|^-sc$|^--(help|version|cfg)$|stack_(slurm|ray)|sign_sgd")
"""Words of commands that need what is not here (a run, a file, a cluster, a technique yet to be added), or that only print."""


def commands(path: Path) -> list[list[str]]:
    """The words of each command in a document's shell blocks, comments left out."""
    blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    split = [shlex.split(line, comments=True) for line in lines if line.startswith("train")]
    return [words[1:] for words in split if not any(ELSEWHERE.search(word) for word in words[1:])]


SHOWN = [(path, words) for path in DOCUMENTS for words in commands(path)]


@pytest.mark.parametrize(("path", "words"), SHOWN, ids=[f"{path.stem}: {' '.join(words)}" for path, words in SHOWN])
def test_a_command_is_accepted(path, words):
    verb = words[0] if words else ""
    if verb in PARSERS:
        PARSERS[verb]().parse_args([word for word in words[1:] if word != "-q"])  # which is read before any verb
    elif verb == "study":
        assert question_of(words[1:], CONF)[0].configurations
    elif verb == "help":
        assert explain(words[1:], CONF)
    elif verb != "resume":
        _compose(*words)


loader_of_all = cache(composing.loader)


@cache
def _compose(*words: str) -> None:
    """Accepted once, a command is accepted wherever it stands."""
    options, loader = parse_line(list(words)), loader_of_all()
    config = loader.load_configuration("config", options.overrides, RunMode.MULTIRUN, validate_sweep_overrides=False)
    cells = sweep_of(loader, config)
    assert len(cells) == 1 or options.multirun or config.hydra.mode is RunMode.MULTIRUN
    for cell in {tuple(cells[0]), tuple(cells[-1])}:
        assert experiment_of(loader.cell(config, cell)[0])


def test_there_are_many():
    assert len(SHOWN) > 60 and len({path for path, _ in SHOWN}) > 12
