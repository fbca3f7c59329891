"""The options of `train compare` as typed."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from trainer.compare.groups import Keys, nearest
from trainer.compare.options import APART, LAST, PICTURES, Options
from trainer.errors import CompareError
from trainer.terminal.layout import examples, heading, styled, terms, width, wrap
from trainer.terminal.once import Once

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

EXAMPLES = {
    "train compare": "all finished runs below runs/",
    "train compare runs/sweep --baseline sgd": "differences from the group with optimizer=sgd",
    "train compare --by optimizer --tune optimizer.lr": "each optimizer at its own best learning rate",
    "train compare --tune optimizer.lr --plot rates.png": "the metric against the learning rate",
    "train compare --tune optimizer.lr --choose-seeds 3": "chosen on the first three seeds, judged on the others",
    "train compare runs/factorial --effects": "what each technique changes, alone and beside others",
    "train compare --metric test/accuracy --csv table.csv": "on test data, and into a file",
    "train compare --csv table.csv -q": "into a file alone: -q, --quiet prints nothing",
}


class Parser(argparse.ArgumentParser):
    """Answers a mistake like the rest of the program: one sentence, with the nearest option. Its help looks like theirs too."""

    def __init__(self, prog: str, description: str, commands: Mapping[str, str]) -> None:
        super().__init__(prog=prog, description=description)
        self.commands = commands
        self.register("action", None, Once)

    def error(self, message: str) -> NoReturn:
        wrong = next((word for word in message.split() if word.startswith("-")), "")
        hint = nearest(wrong, self._option_string_actions) if "unrecognized" in message else "."
        raise CompareError(f"{message}{hint} See {self.prog} --help.")

    def format_help(self) -> str:
        """Every argument with what it means, and the examples, on the width that there is."""
        columns = width()
        arguments = [(_typed(action), (action.help or "").replace("%%", "%")) for action in self._actions]
        lines = [*map(heading, wrap(f"{self.prog}: {self.description}", columns)), "", *terms(arguments, columns)]
        return styled([*lines, "", heading("Examples"), *examples(self.commands.items(), columns)]) + "\n"

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Help, or an OSError where it can't be written: argparse's own drops that in silence."""
        print(self.format_help(), end="", file=file)


def _typed(action: argparse.Action) -> str:
    """An argument as it is typed."""
    value = action.metavar or "|".join(map(str, action.choices or ()))
    return " ".join(part for part in (", ".join(action.option_strings), str(value or "")) if part)


def parser() -> argparse.ArgumentParser:
    """The parser of `train compare`; it raises CompareError."""
    parser = Parser(
        "train compare",
        "statistics over finished runs. Runs that differ in their seed alone form a group; groups are compared with a baseline, "
        "paired by seed.",
        EXAMPLES,
    )
    add_question(parser)
    add = parser.add_argument
    add("--csv", type=Path, metavar="FILE", help="write one line a group")
    add("--json", type=Path, metavar="FILE", help="write everything shown")
    add("--markdown", type=Path, metavar="FILE", help="write the tables and a methods paragraph as Markdown")
    add("--latex", type=Path, metavar="FILE", help="the same for LaTeX (needs the package booktabs)")
    add("--plot", type=picture, metavar="FILE", help="draw curves and intervals, or with --tune the sensitivity; "
        "a .png, .svg or .pdf file")  # fmt: skip
    return parser


def add_question(parser: argparse.ArgumentParser) -> None:
    """What is compared with what, as `options_of` reads it."""
    add = parser.add_argument
    add("directories", metavar="DIR", nargs="*", type=Path, help="directories that hold runs, at any depth (runs)")
    add("--metric", default="valid/accuracy", metavar="NAME", help="any metric of summary.json (valid/accuracy)")
    add("--by", type=_keys, default=(), metavar="KEY", help="one row for each value of KEY, or of KEY,KEY")
    add("--tune", type=_keys, default=(), metavar="KEY", help="compare each row at its best setting of KEY, or KEY,KEY")
    add("--choose-seeds", type=_seeds, metavar="SEEDS", help="with --tune: choose on these seeds and judge on the others; "
        "0,1,2 or range(3), or how many of the first: 3")  # fmt: skip
    add("--baseline", metavar="LABEL", help="the group to compare with: its label or words of it (the plainest)")
    add("--margin", type=_margin, metavar="POINTS", help="differences smaller than this do not matter, in points for an "
        "accuracy (0.1 on 10,000 images, more on fewer)")  # fmt: skip
    add("--diverged", choices=(APART, LAST), default=APART, help="diverged runs: counted in a column of their own (apart), "
        "or in the mean as 0 %% right (last)")  # fmt: skip
    add("--effects", action="store_true", help="main effects and two-way interactions of a sweep over all combinations")


def options_of(arguments: argparse.Namespace) -> Options:
    """What was asked."""
    return Options(
        arguments.metric, arguments.by or None, arguments.tune, arguments.baseline, arguments.margin,
        arguments.choose_seeds, arguments.diverged, arguments.effects,
    )  # fmt: skip


def _keys(text: str) -> Keys:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _seeds(text: str) -> int | tuple[int, ...]:
    """`0,1,2` and `range(3)`, as in a sweep, are seeds; a number alone is how many of the first."""
    given = re.fullmatch(r"range\((\d+)(?:,\s*(\d+))?\)", text.strip())
    try:
        if given:
            seeds = tuple(range(*(int(number) for number in given.groups() if number)))
        else:
            seeds = tuple(int(number) for number in text.split(",") if number.strip())
    except ValueError:
        seeds = ()
    if not seeds or "," not in text and not given and seeds[0] < 1:
        raise argparse.ArgumentTypeError(f"{text} names no seeds: give 0,1,2 or range(3), or how many of the first: 3")
    return seeds[0] if "," not in text and not given else seeds


def _margin(text: str) -> float:
    try:
        margin = float(text)
    except ValueError:
        margin = math.nan
    if not 0 < margin < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no margin: give a number above 0, for instance 0.1")
    return margin


def picture(text: str) -> Path:
    """The name of a picture as typed."""
    if Path(text).suffix.lower() not in PICTURES:
        raise argparse.ArgumentTypeError(f"{text} should end in {', '.join(PICTURES[:-1])} or {PICTURES[-1]}")
    return Path(text)
