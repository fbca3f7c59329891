"""The columns of a comparison, on a terminal and in documents alike: what each cell says about its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple

from rich.text import Text

from trainer.compare.clocks import is_clocked
from trainer.compare.comparison import Table
from trainer.compare.options import Options
from trainer.compare.rows import Row
from trainer.compare.scales import Scale, difference_scale, sample_scale
from trainer.compare.verdicts import is_shown, row_verdict
from trainer.identity import show


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


def sample_columns(table: Table, options: Options) -> Iterator[Column]:
    """A row by itself: what was chosen, of how many runs, the mean with its spread, the best run."""

    def scale(row: Row) -> Scale:
        return sample_scale(row, options.metric)

    yield CONFIGURATION
    for key in options.tune:
        yield Column(key, partial(_value, key))
    if options.tune:
        yield Column("tried", lambda row: str(row.settings_tried))
    yield from _count_columns(table, options)
    yield Column("mean", lambda row: Text(scale(row)(row.estimate.mean), style="bold"))
    yield Column("sd", lambda row: scale(row)(row.estimate.sd))
    yield Column("95 % interval", lambda row: scale(row).interval(row.estimate.low, row.estimate.high))
    yield Column("best (seed)", lambda row: _best(row, options.metric))


def _count_columns(table: Table, options: Options) -> Iterator[Column]:
    """How many values the mean is over, and what became of the other runs."""
    if is_clocked(options.metric):
        yield Column("clocks", lambda row: str(row.estimate.n))
        yield Column("runs", lambda row: _some_of(*row.seeds(options.metric)))
    else:
        yield Column("n", lambda row: _some_of(*row.seeds(options.metric)))
    if any(row.diverged for row in table.rows):
        yield Column("diverged", _diverged)
    if any(row.pruned for row in table.rows):
        yield Column("pruned", lambda row: Text(str(len(row.pruned)), style="yellow") if row.pruned else "-")


def _some_of(counted: int, every: int) -> str:
    return str(counted) if counted == every else f"{counted} of {every}"


def _diverged(row: Row) -> str | Text:
    test = "" if row.diverged_p is None else f", p {p_value(row.diverged_p)}"
    if not row.diverged:
        return f"0{test}" if test else "-"
    return Text(f"{len(row.diverged)}{test}", style="yellow")


def chosen(row: Row, keys: tuple[str, ...]) -> str:
    """The tuned keys of a row with the values chosen for it, as one would type them."""
    return " ".join(f"{key}={show(row.settings[key])}" for key in keys if key in row.settings)


def _value(key: str, row: Row) -> str:
    return chosen(row, (key,)).partition("=")[2] or "-"


def _best(row: Row, metric: str) -> str:
    return f"{sample_scale(row, metric)(row.best.metric(metric))} ({row.best.seed})" if row.best else "-"


def difference_columns(table: Table, options: Options) -> Iterator[Column]:
    """A row against the baseline, in words, and its p-value."""

    def words(row: Row) -> Text:
        said = row_verdict(row, difference_scale(row.judgement, options.metric))
        return Text(said, style=_style(row, options.direction))

    yield Column(f"against {table.baseline}", words, "left")
    yield Column("p", lambda row: p_value(row.judgement.p if row.judgement else None))


def _style(row: Row, direction: int) -> str:
    """Green or red where a difference is shown, bright only where it is real."""
    judgement = row.judgement
    if judgement is None or not is_shown(judgement) or not judgement.difference.mean:
        return "dim"
    colour = {1: "green", -1: "red"}.get(direction * (1 if judgement.difference.mean > 0 else -1), "")
    return colour if judgement.graded.grade == "real" or not judgement.counts_images else f"dim {colour}".strip()


def p_value(p: float | None) -> str:
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
