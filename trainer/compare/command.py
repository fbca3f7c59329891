"""`train compare`: the command line of the comparison."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from trainer.compare.comparison import Comparison, compare
from trainer.compare.export import write_csv, write_json
from trainer.compare.groups import Keys, nearest
from trainer.compare.options import Options
from trainer.compare.table import needed_width, print_comparison
from trainer.errors import CompareError
from trainer.identity import printable_lines
from trainer.report.guarded import Pipe

EXAMPLES = """\
examples:
  train compare                                          all finished runs below runs/
  train compare runs/sweep --baseline sgd                differences to the group with optimizer=sgd
  train compare --by optimizer --tune optimizer.lr       each optimizer at its own best learning rate
  train compare --tune optimizer.lr --plot rates.png     the metric against the learning rate
  train compare --metric test/accuracy --csv table.csv   on test data, and into a file
"""


class _Parser(argparse.ArgumentParser):
    """Answers a mistake like the rest of the program: one sentence, with the nearest option."""

    def error(self, message: str) -> NoReturn:
        wrong = next((word for word in message.split() if word.startswith("-")), "")
        hint = nearest(wrong, self._option_string_actions) if "unrecognized" in message else "."
        raise CompareError(f"{message}{hint} See train compare --help.")


def main(argv: list[str] | None = None) -> int:
    """Runs the command; 0: done, 2: nothing to compare, a wrong option or an unwritable file."""
    try:
        arguments = _parser().parse_args(argv)
        keys = tuple(arguments.by) or None
        options = Options(arguments.metric, keys, tuple(arguments.tune), arguments.baseline, arguments.margin)
        comparison = compare(arguments.directories or [Path("runs")], options)
        _write(comparison, arguments)  # first, for `| head` may end the program while it prints
        _print(comparison, Pipe())
    except CompareError as error:
        print(f"train compare: {printable_lines(str(error))}", file=sys.stderr)
        return 2
    except SystemExit as end:  # argparse ends --help this way
        return int(end.code or 0)
    return 0


def compare_table(
    runs: Path | Iterable[Path],
    console: Console | None = None,
    *,
    metric: str = "valid/accuracy",
    by: Keys | None = None,
    tune: Keys = (),
    baseline: str | None = None,
) -> Comparison | None:
    """Prints the table of `train compare` for runs, or directories that hold some; the end of a sweep calls it.

    What cannot be compared is said in a sentence on the same console, never raised. Without a console: to stdout."""
    roots = [runs] if isinstance(runs, Path) else list(runs)
    try:
        comparison = compare(roots, Options(metric, by, tune, baseline))
    except CompareError as error:
        (console or Console()).print(printable_lines(str(error)), markup=False, highlight=False, soft_wrap=True)
        return None
    _print(comparison, console)
    return comparison


def _print(comparison: Comparison, console: Console | None) -> None:
    for warning in comparison.warnings:
        print(printable_lines(warning), file=sys.stderr)
    console = console or Console()
    # A pipe has no width: every cell in full, on one line. A file of 80 columns helps nobody.
    if console.file is sys.stdout and not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(80, needed_width(comparison))
    print_comparison(comparison, console)


def _write(comparison: Comparison, arguments: argparse.Namespace) -> None:
    try:
        if arguments.csv:
            write_csv(comparison, arguments.csv)
        if arguments.json:
            write_json(comparison, arguments.json)
        if arguments.plot:
            from trainer.compare.plot import draw  # matplotlib is an extra, and slow to load

            draw(comparison, arguments.plot)
    except OSError as error:
        name = error.filename or " or ".join(
            str(file) for file in (arguments.csv, arguments.json, arguments.plot) if file
        )
        raise CompareError(f"{name} cannot be written: {error.strerror}.") from error


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="train compare",
        description="Statistics over finished runs: runs that differ in their seed alone form a group, groups are "
        "compared with a baseline, paired by seed.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("directories", metavar="DIR", nargs="*", type=Path, help="directories that hold runs, at any depth (runs)")
    add("--metric", default="valid/accuracy", metavar="NAME", help="any metric of summary.json (valid/accuracy)")
    add("--by", type=_keys, default=(), metavar="KEY", help="one row for each value of KEY, or of KEY,KEY")
    add("--tune", type=_keys, default=(), metavar="KEY", help="compare each row at its best setting of KEY, or KEY,KEY")
    add("--baseline", metavar="LABEL", help="the group to compare with: its label or words of it (the first started)")
    add("--margin", type=_margin, metavar="POINTS", help="differences smaller than this do not matter, in points for an "
        "accuracy (0.1 on 10,000 images, more on fewer)")  # fmt: skip
    add("--csv", type=Path, metavar="FILE", help="write one line a group")
    add("--json", type=Path, metavar="FILE", help="write everything shown")
    add("--plot", type=_picture, metavar="FILE", help="draw curves and intervals, or with --tune the sensitivity; "
        "a .png or .svg file")  # fmt: skip
    return parser


def _keys(text: str) -> Keys:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _margin(text: str) -> float:
    try:
        margin = float(text)
    except ValueError:
        margin = math.nan
    if not 0 < margin < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no margin: give a number above 0, for instance 0.1")
    return margin


def _picture(text: str) -> Path:
    if Path(text).suffix.lower() not in (".png", ".svg"):
        raise argparse.ArgumentTypeError(f"{text} should end in .png or .svg")
    return Path(text)
