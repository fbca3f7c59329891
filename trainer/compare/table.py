"""The comparison on a terminal: one table a data set, the way to the target, what to check before believing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from trainer.compare.columns import CONFIGURATION, WAY, Column, difference_columns, sample_columns
from trainer.compare.comparison import Comparison, Table
from trainer.compare.effect_table import HEAD, SIDES, effect_rows, explained
from trainer.compare.factorial import Factorial, factorial, in_a_sentence
from trainer.compare.fairness import flags
from trainer.compare.learning import learned_nothing
from trainer.compare.notes import left_out, next_step, notes, way_note, way_title
from trainer.compare.options import Options
from trainer.compare.overall import overall
from trainer.compare.rate_search import Search, searches
from trainer.compare.rate_words import chart, next_command, told
from trainer.terminal.printable import printable

DIRECTIONS = {1: "higher is better", -1: "lower is better", 0: "neither high nor low is better"}
UNLIMITED = 10_000  # columns of text, rows of a table
MOST = 20  # rows that a screen shows of a table


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints everything to `console`; sentences are not broken where nobody looks at a screen."""
    for part in render(comparison, console.width, MOST if console.is_terminal else UNLIMITED):
        console.print(part, soft_wrap=isinstance(part, Text) and not console.is_terminal)


def needed_width(comparison: Comparison) -> int:
    """Columns of text that show every table without a wrapped cell."""
    parts = (part for table in comparison.tables for part in _grids(table, comparison.options))
    return max(_width(part) for part in parts if isinstance(part, Grid))


def _grids(table: Table, options: Options) -> Iterator[RenderableType]:
    yield from _results(table, options, UNLIMITED)
    if options.effects:
        yield from _effects(factorial(table, options), options)
    yield from _way(table)


def render(comparison: Comparison, width: int, most: int = UNLIMITED) -> Iterator[RenderableType]:
    """Everything there is to show on `width` columns, of each table the best `most` rows."""
    for table in comparison.tables:
        yield from _render_table(table, comparison.options, width, most)
    if len(comparison.tables) > 1:
        yield Text("Runs on different data sets are never ranked against each other: one table for each.")
    yield from (Text(sentence, style="yellow") for sentence in left_out(comparison))
    for step in next_step(comparison):
        yield Text(step)


def _render_table(table: Table, options: Options, width: int, most: int) -> Iterator[RenderableType]:
    shown = _best_rows(table, most)
    for doubt in learned_nothing(table, options):
        yield Text(f"! {doubt}", style="yellow")
    sentence = overall(table, options)
    if sentence:
        yield Text(sentence, style="bold")
    percent = "in %, " if options.metric.endswith("accuracy") else ""
    yield Text(
        f"{options.metric} on {printable(table.dataset)} ({percent}{DIRECTIONS[options.direction]})", style="bold"
    )
    yield from _results(shown, options, width)
    if len(shown.rows) < len(table.rows):
        yield Text(
            f"{len(table.rows) - len(shown.rows)} more rows are not shown. Compare one sweep (train runs lists them), choose "
            "rows with --by KEY, or write all with --csv FILE.",
            style="yellow",
        )
    for note in notes(table, options):
        yield Text(note, style="dim")
    yield from _rates(searches(table, options), width)
    if options.effects:
        yield from _effects(factorial(table, options), options)
    yield from _way(shown)
    best = table.rows[0].best
    if best is not None:
        yield Text(f"\nBest run of {table.rows[0].label}: {printable(best.directory)}")
    for flag in flags(table, options):
        yield Text(f"! {flag}", style="yellow")
    yield Text()


def _best_rows(table: Table, most: int) -> Table:
    """The first rows, and the one that they are compared with."""
    rows = [row for i, row in enumerate(table.rows) if i < most or row.label == table.baseline]
    return replace(table, rows=rows)


def _rates(found: Sequence[Search], width: int) -> Iterator[RenderableType]:
    """What a search over learning rates came to; one alone is drawn too."""
    for search in found:
        lines = chart(search, width) if len(found) == 1 else ()
        yield from (Text(line, no_wrap=True) for line in ("", *lines))
        yield Text(told(search))
        yield Text(next_command(search), style="bold")


def _effects(found: Factorial, options: Options) -> Iterator[RenderableType]:
    if found.problem:
        yield Text(f"\n{found.problem}", style="yellow")
        return
    yield Text(f"\n{in_a_sentence(found, options.metric)}", style="bold")
    grid = _empty_grid(zip(HEAD, SIDES, strict=True))
    for row in effect_rows(found, options.metric):
        grid.add_row(*map(Text, row))
    yield grid
    yield Text(explained(found), style="dim")


def _way(table: Table) -> Iterator[RenderableType]:
    if title := way_title(table):
        yield Text(f"\n{title}")
        yield _grid(table, WAY)
        yield Text(way_note(table), style="dim")


def _results(table: Table, options: Options, width: int) -> Iterator[Grid | Text]:
    """Samples and verdicts side by side where the screen is wide enough, else one below the other."""
    sample, against = tuple(sample_columns(table, options)), tuple(difference_columns(table, options))
    whole = _grid(table, sample + against)
    if len(table.rows) == 1:
        yield _grid(table, sample)
    elif _width(whole) <= width:
        yield whole
    else:
        yield _grid(table, sample)
        yield Text()
        yield _grid(table, (CONFIGURATION, *against))


def _grid(table: Table, columns: tuple[Column, ...]) -> Grid:
    grid = _empty_grid((column.header, column.justify) for column in columns)
    for row in table.rows:
        cells = (column.cell(row) for column in columns)
        grid.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return grid


def _empty_grid(columns: Iterable[tuple[str, Literal["left", "right"]]]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for header, justify in columns:
        grid.add_column(Text(header), justify=justify, overflow="fold")
    return grid


def _width(grid: Grid) -> int:
    return Console(width=UNLIMITED).measure(grid).maximum
