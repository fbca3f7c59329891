"""The comparison on a terminal: one table a data set, the way to the target, what to check before believing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from trainer.compare.comparison import Comparison, Row, Table
from trainer.compare.fairness import flags, targets_of
from trainer.compare.groups import varying
from trainer.compare.options import Options
from trainer.compare.verdicts import Scale, is_shown, row_verdict, scale_of
from trainer.identity import printable, show

DIRECTIONS = {1: "higher is better", -1: "lower is better", 0: "neither high nor low is better"}
UNLIMITED = 10_000  # columns of text


class Column(NamedTuple):
    header: str
    cell: Callable[[Row], str | Text]
    justify: Literal["left", "right"] = "right"


CONFIGURATION = Column("configuration", lambda row: row.label, "left")
WAY = (
    CONFIGURATION,
    Column("reached", lambda row: f"{row.target.reached} of {row.target.runs}"),
    Column("updates", lambda row: _count(row.target.steps)),
    Column("samples", lambda row: _count(row.target.samples)),
    Column("seconds", lambda row: "-" if row.target.seconds is None else f"{row.target.seconds:.3g}"),
)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints everything to `console`; sentences are not broken where nobody looks at a screen."""
    for part in render(comparison, console.width):
        console.print(part, soft_wrap=isinstance(part, Text) and not console.is_terminal)


def needed_width(comparison: Comparison) -> int:
    """Columns of text that show every table without a wrapped cell."""
    return max(_width(part) for part in render(comparison, UNLIMITED) if isinstance(part, Grid))


def render(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    for table in comparison.tables:
        yield from _render_table(table, comparison.options, width)
    if len(comparison.tables) > 1:
        yield Text("Runs on different data sets are never ranked against each other: one table for each.")
    if comparison.unfinished:
        counts = ", ".join(f"{n} {printable(status)}" for status, n in comparison.unfinished.items())
        yield Text(f"Not finished, so left out: {counts}.", style="yellow")


def _render_table(table: Table, options: Options, width: int) -> Iterator[RenderableType]:
    scale = scale_of(table, options.metric)
    percent = "in %, " if scale.unit else ""
    title = f"{options.metric} on {printable(table.dataset)} ({percent}{DIRECTIONS[options.direction]})"
    yield Text(title, style="bold")
    yield from _results(table, options, scale, width)
    for note in _notes(table, options, scale):
        yield Text(note, style="dim")
    if targets_of(table) != [None] and len(targets_of(table)) == 1:
        yield Text(
            f"\nCost of reaching valid/accuracy {show(targets_of(table)[0])} (median of the runs that reached it)"
        )
        yield _grid(table, WAY)
    best = table.rows[0].best
    if best is not None:
        yield Text(f"\nBest run of {table.rows[0].label}: {printable(best.directory)}")
    for flag in flags(table, options):
        yield Text(f"! {flag}", style="yellow")
    yield Text()


def _results(table: Table, options: Options, scale: Scale, width: int) -> Iterator[Grid | Text]:
    """Samples and verdicts side by side where the screen is wide enough, else one below the other."""
    sample, against = tuple(_sample(table, options, scale)), tuple(_against(table, options, scale))
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
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(Text(column.header), justify=column.justify, overflow="fold")
    for row in table.rows:
        cells = (column.cell(row) for column in columns)
        grid.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return grid


def _width(grid: Grid) -> int:
    return Console(width=UNLIMITED).measure(grid).maximum


def _sample(table: Table, options: Options, scale: Scale) -> Iterator[Column]:
    yield CONFIGURATION
    for key in options.tune:
        yield Column(key, partial(_value, key))
    if options.tune:
        yield Column("tried", lambda row: str(row.settings_tried))
    yield Column("n", lambda row: str(row.estimate.n))
    if any(row.diverged for row in table.rows):
        yield Column("diverged", lambda row: Text(str(len(row.diverged)), style="yellow") if row.diverged else "-")
    yield Column("mean", lambda row: Text(scale(row.estimate.mean), style="bold"))
    yield Column("sd", lambda row: scale(row.estimate.sd))
    yield Column("95 % interval", lambda row: scale.interval(row.estimate.low, row.estimate.high))
    yield Column("best (seed)", lambda row: _best(row, options.metric, scale))


def chosen(row: Row, keys: tuple[str, ...]) -> str:
    """The tuned keys of a row with the values chosen for it, as one would type them."""
    settings = next((run.settings for run in row.everything), {})
    return " ".join(f"{key}={show(settings[key])}" for key in keys if key in settings)


def _value(key: str, row: Row) -> str:
    return chosen(row, (key,)).partition("=")[2] or "-"


def _best(row: Row, metric: str, scale: Scale) -> str:
    return f"{scale(row.best.metric(metric))} ({row.best.seed})" if row.best else "-"


def _against(table: Table, options: Options, scale: Scale) -> Iterator[Column]:
    def words(row: Row) -> Text:
        return Text(row_verdict(row, scale), style=_style(row, options.direction))

    yield Column(f"against {table.baseline}", words, "left")
    yield Column("p", lambda row: _p(row.judgement.p if row.judgement else None))


def _style(row: Row, direction: int) -> str:
    """Green or red where a difference is shown, bright only where it is real."""
    judgement = row.judgement
    if judgement is None or not is_shown(judgement) or not judgement.difference.mean:
        return "dim"
    colour = {1: "green", -1: "red"}.get(direction * (1 if judgement.difference.mean > 0 else -1), "")
    return colour if judgement.graded.grade == "real" or not judgement.counts_images else f"dim {colour}".strip()


def _p(p: float | None) -> str:
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _how_judged(table: Table, scale: Scale) -> Iterator[str]:
    """What the words and p-values hold for, and what the table could have seen."""
    judgements = [row.judgement for row in table.rows if row.judgement]
    if not judgements:
        return
    many = table.comparisons > 1
    corrected = f" p is corrected by Holm for {table.comparisons} comparisons, the intervals are not." if many else ""
    images = max(judgement.crossed.m for judgement in judgements)
    if images:
        yield (
            f"real: for new seeds and new images like these {images:,}. on these images only: other images may not show it. "
            f"Seeds and images are crossed random effects.{corrected}"
        )
    else:
        yield f"Images are not counted (no hits.npz, or another metric than accuracy): all holds for new seeds only.{corrected}"
    seen = [j.graded.detectable for j in judgements if j.graded.detectable and j.graded.grade != "real"]
    if seen:
        yield f"A true difference of {scale.amount(max(seen))} would have been shown as real in 80 % of such tables."


def _notes(table: Table, options: Options, scale: Scale) -> Iterator[str]:
    text = "Mean, sd and 95 % interval (Student's t) over n seeds."
    if len(table.rows) > 1:
        text += f" Differences from {table.baseline} are paired by seed."
    yield text
    yield from _how_judged(table, scale)
    inside = {key: None for row in table.rows for key in varying(row.everything)}
    if inside:
        yield (
            f"Inside a row, {', '.join(inside)} vary: a seed's value is the mean over them, "
            "and only runs that agree in seed and in these keys are paired."
        )
    if options.tune:
        yield f"Chosen: the setting with the best mean {options.selection} over seeds. {_optimism(options)}".rstrip()


def _optimism(options: Options) -> str:
    if options.metric != options.selection:
        return ""
    test = options.selection.removeprefix("best/").replace("valid/", "test/")
    return f"The data that chose flatter the chosen a little; --metric {test} judges the same choice on other data."


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
