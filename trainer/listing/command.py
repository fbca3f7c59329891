"""`train runs`: the command line of the list."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from trainer.compare.finding import Found, find
from trainer.compare.runs import Run
from trainer.errors import CompareError
from trainer.listing.arguments import parser
from trainer.listing.choosing import Condition, chosen, condition, in_order, none_of
from trainer.listing.entries import Entry, entries
from trainer.listing.files import row, write_csv, write_json
from trainer.listing.table import lines
from trainer.report.pipe import Pipe
from trainer.run.directories import is_setting
from trainer.terminal.printable import command, printable_lines

STDOUT = Path("-")
WIDEST = 200  # columns of a pipe, which has no width


def main(argv: list[str] | None = None) -> int:
    """Runs the command; 0: done, 2: no runs, a wrong option or an unwritable file."""
    try:
        arguments = parser().parse_intermixed_args(argv)
        _list(arguments, Pipe())
    except CompareError as error:
        print(f"train runs: {printable_lines(str(error))}", file=sys.stderr)
        return 2
    except SystemExit as end:  # argparse ends --help this way
        return int(end.code or 0)
    return 0


def _list(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.csv == arguments.json == STDOUT:
        raise CompareError("--csv and --json can't both go to stdout: name a file for one of them.")
    roots = [Path(word) for word in arguments.words if not is_setting(word)] or [Path("runs")]
    found = find(roots)
    for sentence in found.skipped:
        print(printable_lines(sentence), file=sys.stderr)
    if not found.runs:
        raise CompareError(f"No runs below {', '.join(map(str, roots))}; `train` writes one.")
    conditions = list(_conditions(arguments))
    runs = chosen(found.runs, conditions)

    def name(directory: Path) -> str:
        inside = len(roots) == 1 and directory != roots[0]
        return str(directory.relative_to(roots[0]) if inside else directory)

    def ordered(apart: bool) -> list[Entry]:
        return in_order(entries(found, runs, roots, apart), arguments.sort, name, arguments.reverse)

    if arguments.csv or arguments.json:
        _write(arguments, [run for each in ordered(apart=True) for run in each.runs], found)
    if STDOUT in (arguments.csv, arguments.json):
        return
    if runs:
        _show(ordered(arguments.cells), name, arguments.limit, console)
    else:
        print(none_of(found.runs, conditions))


def _conditions(arguments: argparse.Namespace) -> Iterator[Condition]:
    yield from (condition(word) for word in arguments.words if is_setting(word))
    for key in ("status", "dataset"):
        if getattr(arguments, key):
            yield condition(f"{key}={getattr(arguments, key)}")


def _show(rows: Sequence[Entry], name: Callable[[Path], str], limit: int, console: Console) -> None:
    shown = rows[: limit or len(rows)]
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDEST
    notes = []
    if len(shown) < len(rows):
        notes.append(
            f"{len(rows) - len(shown):,} more: --limit 0 shows all, key=value and --status choose (train runs --help)."
        )
    sweep = next((row for row in shown if row.is_sweep), None)
    if sweep is not None:
        notes.append(f"A sweep is one row here; its runs: {command('runs', sweep.directory)}")
    for line in lines(shown, name, time.time(), console.width):
        console.print(line, soft_wrap=True)
    for note in notes:
        console.print(Text(note, style="dim"), soft_wrap=not console.is_terminal)


def _write(arguments: argparse.Namespace, runs: Sequence[Run], found: Found) -> None:
    for path, write in ((arguments.csv, write_csv), (arguments.json, write_json)):
        if path is None:
            continue
        rows = [row(run, found) for run in runs]
        if path == STDOUT:
            write(rows, sys.stdout)
            continue
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                write(rows, file)
        except OSError as error:
            raise CompareError(f"{path} cannot be written: {error.strerror}.") from error
