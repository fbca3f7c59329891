"""The list on a terminal: a line a run or sweep, what is not at its default beside it, or below it where the screen is narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.text import Text

from trainer.identity import show
from trainer.listing.entries import Entry
from trainer.report.closing import COLOURS
from trainer.terminal.printable import printable

FEW = 4
"""Values of a key that are listed one by one."""
ROOM = 34
"""Characters that the settings need beside the other columns; with fewer they stand below them, indented."""
INDENT, GAP = 4, 2
SETTINGS = "differs from the defaults"


class Column(NamedTuple):
    """A column; `rank` says how soon a narrow terminal loses it, the highest first, and 0 that it stays."""

    header: str
    cell: Callable[[Entry], str]
    right: bool = False
    rank: int = 0

    def aligned(self, text: str, width: int) -> str:
        return text.rjust(width) if self.right else text.ljust(width)


def lines(rows: Sequence[Entry], name: Callable[[Path], str], now: float, width: int) -> Iterator[Text]:
    """The rows as lines of at most `width` characters; columns that nobody has a value for are left out."""
    cells = _fitting(_cells(rows, name, now), width)
    widths = {column: max(len(column.header), *map(len, texts)) for column, texts in cells.items()}
    offset = sum(widths.values()) + GAP * len(widths)
    beside = offset + ROOM <= width
    header = (" " * GAP).join(column.aligned(column.header, widths[column]) for column in widths)
    yield Text(f"{header}{' ' * GAP}{SETTINGS}" if beside else header.rstrip(), "bold")
    yield Text("─" * (width if beside else min(offset - GAP, width)), "dim")
    for number, row in enumerate(rows):
        line = Text(no_wrap=True)
        for column in widths:
            style = _colour(row) if column.header == "status" else ""
            line.append(column.aligned(cells[column][number], widths[column]), style).append(" " * GAP)
        yield from _with_settings(line, settings(row), offset if beside else INDENT, width, beside)


def _with_settings(line: Text, words: str, indent: int, width: int, beside: bool) -> Iterator[Text]:
    """A row's line and its settings, beside it or below it, on as many lines as they need."""
    wrapped = textwrap.wrap(words, max(width - indent, ROOM), break_on_hyphens=False)
    if beside and wrapped:
        line.append(wrapped.pop(0))
    line.rstrip()
    yield line
    yield from (Text(f"{' ' * indent}{rest}", "" if beside else "dim") for rest in wrapped)


def _cells(rows: Sequence[Entry], name: Callable[[Path], str], now: float) -> dict[Column, list[str]]:
    columns = [
        Column("name", lambda row: printable(name(row.directory))),
        Column("age", lambda row: age(now - row.last_written), right=True, rank=1),
        Column("status", status),
        Column("data", lambda row: printable(", ".join(row.datasets)), rank=2),
        Column("valid %", lambda row: percent(row.values("valid/accuracy")), right=True),
        Column("test %", lambda row: percent(row.values("test/accuracy")), right=True, rank=3),
        Column("seconds", lambda row: "" if row.seconds is None else short(row.seconds), right=True, rank=4),
    ]
    cells = {column: [column.cell(row) for row in rows] for column in columns}
    return {column: texts for column, texts in cells.items() if any(texts)}


def _fitting(cells: dict[Column, list[str]], width: int) -> dict[Column, list[str]]:
    """The columns that the width has room for."""
    kept = dict(cells)
    for column in sorted((column for column in cells if column.rank), key=lambda column: -column.rank):
        if sum(max(len(each.header), *map(len, texts)) + GAP for each, texts in kept.items()) - GAP > width:
            del kept[column]
    return kept


def status(row: Entry) -> str:
    """`completed`; of a sweep, how many are, and of how many where not all are."""
    if not row.is_sweep:
        return printable(next(iter(row.statuses)))
    word, count = row.statuses.most_common(1)[0]
    total = row.statuses.total()
    return f"{count}{f'/{total}' if count < total else ''} {printable(word)}"


def _colour(row: Entry) -> str:
    words = set(row.statuses)
    if len(words) > 1:
        return "yellow"
    return next((colour for word, colour in COLOURS.items() if word in words), "yellow")


def settings(row: Entry) -> str:
    """What was typed to get the runs, or could have been, long lists of values shortened; before it how the rest of a sweep
    stands."""
    others = [f"{count} {printable(word)}," for word, count in row.statuses.most_common()[1:]]
    return " ".join([*others, *(f"{printable(key)}={_listed(values)}" for key, values in row.settings.items())])


def _listed(values: Sequence[Hashable]) -> str:
    if len(values) <= FEW:
        return ",".join(map(show, values))
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values):
        return f"{','.join(map(show, values[: FEW - 1]))},…({len(values)})"
    return f"{show(min(numbers))}…{show(max(numbers))}({len(values)})"


def percent(values: Sequence[float]) -> str:
    """An accuracy in percent; of several the lowest and the highest."""
    if not values:
        return ""
    low, high = (f"{100 * value:.{2 if len(values) == 1 else 1}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low}–{high}"


def short(seconds: float) -> str:
    return f"{seconds:,.{2 if seconds < 10 else 1 if seconds < 100 else 0}f}"


def age(seconds: float) -> str:
    """How long ago, in the largest unit that there is at least one of."""
    for unit, size in {"d": 86400, "h": 3600, "m": 60}.items():
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"
