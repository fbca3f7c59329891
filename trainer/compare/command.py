"""`train compare`: the command line of the comparison."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from trainer.compare.arguments import options_of, parser
from trainer.compare.comparison import Comparison, compare
from trainer.compare.documents import latex, markdown
from trainer.compare.export import write_csv, write_json
from trainer.compare.groups import Keys
from trainer.compare.options import Options
from trainer.compare.table import needed_width, print_comparison
from trainer.errors import CompareError
from trainer.report.pipe import Pipe, tell_written
from trainer.terminal.printable import printable_lines


def main(argv: list[str] | None = None) -> int:
    """Runs the command; 0: done, 2: nothing to compare, a wrong option or an unwritable file."""
    gc.set_threshold(50_000)  # thousands of runs are no garbage, not to be looked through so often
    try:
        arguments = parser().parse_intermixed_args(argv)
        comparison = compare(arguments.directories or [Path("runs")], options_of(arguments))
        _write(comparison, arguments)  # first, for `| head` may end the program while it prints
        _print(comparison, Pipe())
        tell_written(*_files(arguments))
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
        if arguments.markdown:
            arguments.markdown.write_text(markdown(comparison), encoding="utf-8")
        if arguments.latex:
            arguments.latex.write_text(latex(comparison), encoding="utf-8")
        if arguments.plot:
            from trainer.compare.plot import draw  # matplotlib is an extra, and slow to load

            draw(comparison, arguments.plot)
    except OSError as error:
        name = error.filename or " or ".join(map(str, _files(arguments)))
        raise CompareError(f"{name} cannot be written: {error.strerror}.") from error


def _files(arguments: argparse.Namespace) -> list[Path]:
    """The files that were asked for."""
    files = (arguments.csv, arguments.json, arguments.markdown, arguments.latex, arguments.plot)
    return [file for file in files if file]
