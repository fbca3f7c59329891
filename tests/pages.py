"""Pages whose commands a test types: what a page says a command prints, against what it printed.

Held are the words, the order of lines, headings and rows of tables, and the numbers that are counted: images, parameters, runs,
updates, epochs. Tolerated, because another processor rounds differently and training makes more of it: accuracies within
TOLERANCE points, any other number, how a line is wrapped, the rows of a chart, and the grade of a study's answer. A line with
an ellipsis on the page stands for any lines.
"""

from __future__ import annotations

import re

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


def shown(page: str) -> list[Shown]:
    """Each command of a page with the output below it."""
    blocks = re.findall(r"```sh\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    return [(command.strip(), output) for command, output in blocks]


def plain(text: str, study: bool = False) -> str:
    """Output on one line, without charts, ages and versions; in a study's answer every grade is the same."""
    text = re.sub(r"─+", "─", CHART.sub("", text))
    text = re.sub(r"\(PyTorch [^)]*\)", "(PyTorch)", re.sub(r"\b\d+[smh]\b", "0s", text))
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
