"""docs/tutorial.md, typed from top to bottom, and docs/how-to/paper.md after it. What is held and what tolerated: pages.py."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from commands import ROOT, Command
from pages import shown, wrong

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
PAPER = (ROOT / "docs/how-to/paper.md").read_text(encoding="utf-8")


def test_every_command_prints_what_the_page_says(tmp_path):
    """One test for the whole page, since each command needs those before it; then the paper's page, of the same sweep."""
    assert len(shown(PAGE)) == PAGE.count("```text") == PAGE.count("```sh")
    found = {
        command: wrong(page, typed(tmp_path, command), study=" study " in command) for command, page in shown(PAGE)
    }
    assert {command: differences for command, differences in found.items() if differences} == {}
    assert labels(tmp_path / "first.svg") == labels(ROOT / "docs/images/tutorial.svg") != []
    command, latex = re.search(r"```sh\n(train compare .*?)\n```.*?```latex\n(.*?)```", PAPER, re.DOTALL).groups()
    typed(tmp_path, command)
    assert wrong(latex, (tmp_path / "table.tex").read_text(encoding="utf-8")) == []
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def typed(folder: Path, command: str) -> str:
    """What a command prints on an ordinary terminal's width."""
    program, *words = shlex.split(command)
    ended = Command(folder, *words, COLUMNS="80")
    assert program == "train" and ended.end() == 0, ended.err
    return ended.out


def labels(picture: Path) -> list[str]:
    """The words of a figure, without the numbers of its axes."""
    texts = re.findall(r"<text[^>]*>\s*([^<]+?)\s*</text>", picture.read_text(encoding="utf-8"))
    return [text for text in texts if text[0].isalpha()]


def test_the_prose_quotes_the_output():
    """The differences that the text between the blocks names."""
    first, study = (float(re.search(rf"heavy_ball .*?\+(\d\.\d+) points {words}", PAGE)[1]) for words in ("over", "on"))
    assert f"ahead by {first} [points]" in PAGE and study < first / 2 and "more than half" in PAGE


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("a b\n…\nc", "a c"),
        ("20 updates", "21 updates"),
        ("accuracy 93.60 %", "accuracy 90.60 %"),
        ("x 1\n─────\n", "x 1\n"),
        ("sgd real", "sgd undecided"),
    ],
)
def test_what_differs_is_seen(page, printed):
    assert wrong(page, printed) and not wrong(page, page.replace("…", "b b"))
