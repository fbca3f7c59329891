"""Pictures of a comparison: curves over epochs beside final values with intervals, or the sensitivity to a number.

matplotlib is an extra; it draws straight into a file, so no screen is needed and no global state touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.compare.comparison import Comparison, Table
from trainer.compare.curves import Point, as_number, diverged_at, learning_curve, number, sensitivity
from trainer.compare.options import Options
from trainer.compare.pairing import by_seed
from trainer.compare.rows import Row
from trainer.errors import CompareError
from trainer.identity import show
from trainer.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

# Okabe and Ito's colours, which colour-blind readers tell apart; rows beyond them are grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B6914")
REST = "#B0B0B0"
STYLE: dict[Any, Any] = {
    "font.size": 10, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#E8E8E8", "axes.axisbelow": True,
    "text.parse_math": False, "svg.hashsalt": "train",
}  # fmt: skip
DECADES = 10  # values that span this factor are drawn on a logarithmic axis
MOST_TICKS = 9


def draw(comparison: Comparison, path: Path) -> None:
    """Writes the picture to `path` (.png or .svg); one row of axes a data set. OSError where it cannot be written."""
    os.environ.pop("MPLBACKEND", None)  # a notebook's, inherited, need not exist here, and no window is opened
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CompareError("--plot needs matplotlib, the extra `plot`: pip install matplotlib.") from error
    tables = [table for table in comparison.tables if table.rows[0].estimate.mean is not None]
    if not tables:
        raise CompareError("--plot: no run has a final value, so there is nothing to draw.")
    with matplotlib.rc_context(STYLE):
        heights = [max(3.8, 1.2 + 0.28 * len(table.rows)) for table in tables]
        figure = Figure(figsize=(11, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
        for part, table in zip(parts, tables, strict=True):
            _draw_table(part, table, comparison.options)
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _draw_table(part: SubFigure, table: Table, options: Options) -> None:
    title = f"{options.metric} on {printable(table.dataset)}: mean and 95 % interval over seeds"
    part.suptitle(title, x=0.01, ha="left", weight="bold")
    key = options.tune[0] if len(options.tune) == 1 else ""
    lines = [sensitivity(row, key, options.metric) for row in table.rows]
    if not any(lines):
        key, lines = "", [learning_curve(row, options.metric) for row in table.rows]
    if all(len(points) < 2 for points in lines):  # test metrics are known at the end only
        return _draw_dots(part.subplots(), table, options)
    left, right = part.subplots(1, 2, width_ratios=(3, 2))
    _draw_lines(left, lines, _factor(options))
    left.set(xlabel=key or "epoch", ylabel=_axis_name(options))
    if key:
        _draw_choices(left, table, key, options)
    else:
        left.locator_params(axis="x", integer=True)
    _draw_dots(right, table, options)


def _colour(place: int) -> str:
    return COLOURS[place] if place < len(COLOURS) else REST


def _factor(options: Options) -> float:
    return 100.0 if options.metric.endswith("accuracy") else 1.0


def _axis_name(options: Options) -> str:
    return f"{options.metric} in %" if options.metric.endswith("accuracy") else options.metric


def _draw_lines(axes: Axes, lines: Sequence[Sequence[Point]], factor: float) -> None:
    """One line a row with its band, the best row on top."""
    for place, points in enumerate(lines):
        x = [point.x for point in points]
        low, high = [factor * point.low for point in points], [factor * point.high for point in points]
        means, marker = [factor * point.mean for point in points], "o" if len(points) < 12 else ""
        if place < len(COLOURS):  # the grey crowd behind needs no bands
            axes.fill_between(x, low, high, color=_colour(place), alpha=0.15, lw=0, zorder=2)
        width, order = 1.8 if place < len(COLOURS) else 0.9, 3 + len(lines) - place
        axes.plot(x, means, color=_colour(place), lw=width, marker=marker, ms=2.2 * width, zorder=order)


def _draw_choices(axes: Axes, table: Table, key: str, options: Options) -> None:
    """Rings the chosen setting of each row; crosses at the foot mark settings where runs diverged."""
    factor = _factor(options)
    for place, row in enumerate(table.rows):
        chosen = as_number(row.settings.get(key))
        if chosen is not None and row.estimate.mean is not None:
            mean = factor * row.estimate.mean
            axes.plot(chosen, mean, "o", ms=11, mfc="none", mec=_colour(place), mew=1.6, zorder=99)
        lost = diverged_at(row, key)
        foot = [0.02 + 0.035 * place] * len(lost)
        axes.plot(lost, foot, "x", color=_colour(place), ms=6, mew=1.6, transform=axes.get_xaxis_transform())
    _scale(axes, sorted({x for row in table.rows for run in row.tried if (x := number(run, key)) is not None}))
    crosses = " · cross: runs diverged" if any(diverged_at(row, key) for row in table.rows) else ""
    axes.set_title(f"ring: the chosen setting{crosses}", color="#555555")


def _scale(axes: Axes, tried: Sequence[float]) -> None:
    """A tick at each value tried; values over a decade or more on a logarithmic axis."""
    if tried[0] > 0 and tried[-1] >= DECADES * tried[0]:
        axes.set_xscale("log")
    step = -(-len(tried) // MOST_TICKS)
    axes.set_xticks(tried[::step], [show(x) for x in tried[::step]])
    axes.set_xticks([], minor=True)


def _draw_dots(axes: Axes, table: Table, options: Options) -> None:
    """Final values: a small dot a seed, a large one for the mean with its interval, a dashed line at the baseline."""
    for place, row in enumerate(table.rows):
        _draw_row(axes, row, place, options)
    base = next(row for row in table.rows if row.label == table.baseline).estimate.mean
    if base is not None and len(table.rows) > 1:
        axes.axvline(_factor(options) * base, color="#888888", lw=1, ls="--", zorder=1)
    axes.set_yticks(range(len(table.rows)), [_name(row, options) for row in table.rows])
    axes.yaxis.tick_right()
    for place, tick in enumerate(axes.yaxis.get_major_ticks()):
        tick.label2.set_color(_colour(place) if place < len(COLOURS) else "#555555")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set(xlabel=_axis_name(options), ylim=(len(table.rows) - 0.4, -0.6))
    dashed = " · dashed: the baseline" if len(table.rows) > 1 else ""
    axes.set_title(f"small: one seed{dashed}", color="#555555")


def _draw_row(axes: Axes, row: Row, place: int, options: Options) -> None:
    factor, sample, colour = _factor(options), row.estimate, _colour(place)
    values = [factor * value for value in by_seed(row.counted, options.metric).values()]
    axes.plot(values, [place + 0.24] * len(values), "o", color=colour, alpha=0.5, ms=3.5, mew=0, zorder=2)
    if sample.mean is None:
        return
    if sample.low is not None and sample.high is not None:
        axes.plot([factor * sample.low, factor * sample.high], [place] * 2, color=colour, lw=2.2, zorder=3)
    axes.plot(factor * sample.mean, place, "o", color=colour, ms=8, mec="white", mew=1, zorder=4)


def _name(row: Row, options: Options) -> str:
    tuned = [f"{key.rpartition('.')[2]} {show(row.settings[key])}" for key in options.tune if key in row.settings]
    lost = f"{len(row.diverged)} diverged" if row.diverged else ""
    return ", ".join(part for part in (row.label, *tuned, f"n = {row.estimate.n}", lost) if part)
