"""docs/tutorial.md, typed from top to bottom: the commands print what the page says they print.

Held are the words, the order of lines, headings and rows of tables, and the numbers that are counted: images, parameters, runs,
updates, epochs. Tolerated, because another processor rounds differently and training makes more of it: accuracies within
TOLERANCE points, any other number, how a line is wrapped, the rows of a chart, and the grade of the study's answer. A line with
an ellipsis on the page stands for any lines.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from commands import ROOT, Command

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
TOLERANCE = 1.5
CHART = re.compile(r"^.*(?:│|└──).*$|^ +\d+ +epoch \d+.*$", re.MULTILINE)
NUMBER = r"[-+<]?\d[\d,]*(?:\.\d+)?(?:e-\d+)?"
COUNTED = r"train,|valid,|test[;:]|parameters|updates|epochs|completed|configurations|seeds\."
GRADES = (
    (
        re.compile(r" helps(?:, perhaps on these images alone)?: | changes nothing that matters: | against sgd: "),
        " says: ",
    ),
    (re.compile(r"(?<=\)) (?:real|these images|equal|undecided)(?= )"), " grade"),
    (re.compile(r"(?<=\d), (?:real|on these images only|equal within \S+ points|undecided\b[^.]*)\."), ", grade."),
)
Shown = tuple[str, str]


def shown() -> list[Shown]:
    """Each command of the page with the output below it."""
    blocks = re.findall(r"```sh\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == PAGE.count("```text") == PAGE.count("```sh")
    return [(command.strip(), output) for command, output in blocks]


def plain(text: str, study: bool = False) -> str:
    """Output on one line, without charts and ages; in a study's answer every grade is the same."""
    text = re.sub(r"─+", "─", CHART.sub("", text))
    text = re.sub(r"\b\d+[smh]\b", "0s", text)
    text = f"{' '.join(text.split())} "
    for grade, word in GRADES if study else ():
        text = grade.sub(word, text)
    return text


def pattern(part: str) -> re.Pattern[str]:
    """A part of the page as an expression whose groups are its numbers."""
    pieces = re.split(f"({NUMBER})", part)
    return re.compile("".join(f"({NUMBER})" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))


def differences(part: str, found: re.Match[str]) -> list[str]:
    """Where the numbers of the output are not those of the page."""
    mine = list(re.finditer(NUMBER, part))
    return [
        f"{ours[0]} on the page, {theirs} printed"
        for ours, theirs in zip(mine, found.groups(), strict=True)
        if not _alike(ours[0], theirs, re.match(rf" (?:{COUNTED})(?!=)", part[ours.end() :]) is not None)
    ]


def _alike(ours: str, theirs: str, counted: bool) -> bool:
    if counted:
        return ours == theirs
    one, other = (float(number.lstrip("<+").replace(",", "")) for number in (ours, theirs))
    return not (50 < one <= 100 and "." in ours) or abs(one - other) <= TOLERANCE


def wrong(page: str, printed: str, study: bool = False) -> list[str]:
    """What the page says and the program does not."""
    output, place, found = plain(printed, study), 0, []
    for part in (plain(part, study) for part in re.split(r"^…$", page, flags=re.MULTILINE) if part.strip()):
        match = pattern(part).search(output, place)
        if match is None:
            return [*found, f"not printed: {part}\n\nfrom here on: {output[place:]}"]
        found += differences(part, match)
        place = match.end()
    return found


@pytest.fixture(scope="module")
def typed(tmp_path_factory) -> tuple[Path, list[str]]:
    """The folder, and what each command printed."""
    folder, printed = tmp_path_factory.mktemp("tutorial"), []
    for command, _ in shown():
        program, *words = shlex.split(command)
        assert program == "train"
        ended = Command(folder, *words, COLUMNS="80")
        assert ended.end() == 0, ended.err
        printed.append(ended.out)
    return folder, printed


@pytest.mark.parametrize("number", range(len(shown())), ids=[shlex.split(command)[1] for command, _ in shown()])
def test_a_command_prints_what_the_page_says(typed, number):
    command, page = shown()[number]
    assert wrong(page, typed[1][number], study=" study " in command) == []


def test_the_picture_is_of_this_sweep(typed):
    drawn, kept = (
        re.findall(r"<text[^>]*>\s*([^<]+?)\s*</text>", path.read_text(encoding="utf-8"))
        for path in (typed[0] / "first.svg", ROOT / "docs/images/tutorial.svg")
    )
    assert [text for text in drawn if text[0].isalpha()] == [text for text in kept if text[0].isalpha()] != []


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
