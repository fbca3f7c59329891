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


@pytest.fixture(scope="module")
def typed(tmp_path_factory) -> tuple[Path, list[str]]:
    """The folder, and what each command printed."""
    folder, printed = tmp_path_factory.mktemp("tutorial"), []
    for command, _ in shown(PAGE):
        program, *words = shlex.split(command)
        assert program == "train"
        ended = Command(folder, *words, COLUMNS="80")
        assert ended.end() == 0, ended.err
        printed.append(ended.out)
    return folder, printed


@pytest.mark.parametrize("number", range(len(shown(PAGE))), ids=[shlex.split(command)[1] for command, _ in shown(PAGE)])
def test_a_command_prints_what_the_page_says(typed, number):
    assert len(shown(PAGE)) == PAGE.count("```text") == PAGE.count("```sh")
    command, page = shown(PAGE)[number]
    assert wrong(page, typed[1][number], study=" study " in command) == []


def test_the_picture_is_of_this_sweep(typed):
    drawn, kept = (
        re.findall(r"<text[^>]*>\s*([^<]+?)\s*</text>", path.read_text(encoding="utf-8"))
        for path in (typed[0] / "first.svg", ROOT / "docs/images/tutorial.svg")
    )
    assert [text for text in drawn if text[0].isalpha()] == [text for text in kept if text[0].isalpha()] != []


def test_the_table_for_a_paper_is_what_the_page_shows(typed):
    command, latex = re.search(r"```sh\n(train compare .*?)\n```.*?```latex\n(.*?)```", PAPER, re.DOTALL).groups()
    ended = Command(typed[0], *shlex.split(command)[1:])
    assert ended.end() == 0, ended.err
    assert wrong(latex, (typed[0] / "table.tex").read_text(encoding="utf-8")) == []
    assert (typed[0] / "figure.pdf").read_bytes().startswith(b"%PDF")


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
