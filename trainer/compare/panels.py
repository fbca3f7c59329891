"""The panels of a comparison's picture: curves or a sensitivity, final values, and the differences as they were tested."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.compare.comparison import Table
from trainer.compare.curves import Point, as_number, diverged_at, number
from trainer.compare.options import Options, bounds_of
from trainer.compare.pairing import by_seed
from trainer.compare.rows import Row
from trainer.compare.styles import Style
from trainer.compare.verdicts import interval
from trainer.identity import show
from trainer.terminal.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADES = 10  # values that span this factor are drawn on a logarithmic axis
MOST_TICKS = 9
LINE = 56  # letters of a name in one line
MOST_NUMBERS = 5  # on the axis of a narrow panel
FAINT = "#C8C8C8"
NOTE = "#555555"

Lines = Sequence[Sequence[Point]]


def factor_of(options: Options) -> float:
    return 100.0 if options.metric.endswith("accuracy") else 1.0


def axis_name(options: Options) -> str:
    return f"{options.metric} in %" if options.metric.endswith("accuracy") else options.metric


def draw_lines(axes: Axes, lines: Lines, styles: Sequence[Style], options: Options) -> None:
    """One line a row with its band, the best row on top."""
    for place, (points, style) in enumerate(zip(lines, styles, strict=True)):
        draw_line(axes, points, style, options, 3 + len(lines) - place)
    scale_values(axes, lines, options)


def draw_line(axes: Axes, points: Sequence[Point], style: Style, options: Options, order: float = 3) -> None:
    """Means with the band of their 95 % intervals; a band stays where values can be."""
    factor, (least, most) = factor_of(options), bounds_of(options.metric)
    x, means = [point.x for point in points], [factor * point.mean for point in points]
    low = [factor * max(point.low, least) for point in points]
    high = [factor * min(point.high, most) for point in points]
    axes.fill_between(x, low, high, color=style.colour, alpha=0.15, lw=0, zorder=2)
    marker = style.marker if len(points) < 12 else ""
    axes.plot(x, means, color=style.colour, ls=style.dash, lw=1.8, marker=marker, ms=4, zorder=order)


def draw_faint(axes: Axes, lines: Lines, options: Options) -> None:
    """All rows behind the one that a small picture is about."""
    for points in lines:
        axes.plot([p.x for p in points], [factor_of(options) * p.mean for p in points], color=FAINT, lw=0.7, zorder=1)


def scale_values(axes: Axes, lines: Lines, options: Options) -> None:
    """A logarithmic axis for positive values without a bound above, such as losses, that span more than a decade."""
    means = [point.mean for points in lines for point in points]
    if bounds_of(options.metric)[1] == math.inf and means and 0 < min(means) * DECADES < max(means):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def draw_choices(axes: Axes, table: Table, key: str, styles: Sequence[Style], options: Options) -> None:
    """Rings the chosen setting of each row; crosses at the foot mark settings where runs diverged."""
    for place, (row, style) in enumerate(zip(table.rows, styles, strict=True)):
        chosen = as_number(row.settings.get(key))
        if chosen is not None and row.estimate.mean is not None:
            mean = factor_of(options) * row.estimate.mean
            axes.plot(chosen, mean, "o", ms=11, mfc="none", mec=style.colour, mew=1.6, zorder=99)
        lost = diverged_at(row, key)
        foot = [0.02 + 0.035 * place] * len(lost)
        axes.plot(lost, foot, "x", color=style.colour, ms=6, mew=1.6, transform=axes.get_xaxis_transform())
    _scale_tried(axes, sorted({x for row in table.rows for run in row.tried if (x := number(run, key)) is not None}))
    crosses = " · cross: runs diverged" if any(diverged_at(row, key) for row in table.rows) else ""
    axes.set_title(f"ring: the chosen setting{crosses}", color=NOTE)


def _scale_tried(axes: Axes, tried: Sequence[float]) -> None:
    """A tick at each value tried; values over a decade or more on a logarithmic axis."""
    if tried[0] > 0 and tried[-1] >= DECADES * tried[0]:
        axes.set_xscale("log")
    step = -(-len(tried) // MOST_TICKS)
    axes.set_xticks(tried[::step], [show(x) for x in tried[::step]])
    axes.set_xticks([], minor=True)


def draw_values(axes: Axes, table: Table, styles: Sequence[Style], options: Options) -> None:
    """Final values: a small dot a seed, a large one for the mean with its interval, a dashed line at the baseline."""
    for place, (row, style) in enumerate(zip(table.rows, styles, strict=True)):
        _draw_row(axes, row, place, style, options)
    base = next(row for row in table.rows if row.label == table.baseline).estimate.mean
    if base is not None and len(table.rows) > 1:
        axes.axvline(factor_of(options) * base, color="#888888", lw=1, ls="--", zorder=1)
    axes.set(xlabel=axis_name(options))
    dashed = " · dashed: the baseline" if len(table.rows) > 1 else ""
    axes.set_title(f"small: one seed{dashed}", color=NOTE)


def _draw_row(axes: Axes, row: Row, place: int, style: Style, options: Options) -> None:
    factor, sample, colour = factor_of(options), row.estimate, style.colour
    values = [factor * value for value in by_seed(row.counted, options.metric).values()]
    axes.plot(values, [place + 0.24] * len(values), "o", color=colour, alpha=0.5, ms=3.5, mew=0, zorder=2)
    if row.diverged:
        axes.plot(0.02, place, "x", color=colour, ms=7, mew=1.8, transform=axes.get_yaxis_transform(), zorder=4)
    if sample.mean is None:
        return
    if sample.low is not None and sample.high is not None:
        axes.plot([factor * sample.low, factor * sample.high], [place] * 2, color=colour, lw=2.2, zorder=3)
    axes.plot(factor * sample.mean, place, style.marker, color=colour, ms=8, mec="white", mew=1, zorder=4)


def draw_differences(axes: Axes, table: Table, styles: Sequence[Style], options: Options) -> None:
    """What was tested: each row less the baseline, paired by seed, with its interval, and the differences that do not matter."""
    factor = factor_of(options)
    judged = [(place, row.judgement) for place, row in enumerate(table.rows) if row.judgement]
    margins = [judgement.margin for _, judgement in judged if judgement.margin and judgement.counts_images]
    if margins:
        axes.axvspan(-factor * margins[0], factor * margins[0], color="#EEEEEE", lw=0, zorder=0)
    axes.axvline(0, color="#888888", lw=1, ls="--", zorder=1)
    for place, judgement in judged:
        (low, high), mean, style = interval(judgement), judgement.difference.mean, styles[place]
        if low is not None and high is not None:
            axes.plot([factor * low, factor * high], [place] * 2, color=style.colour, lw=2.2, zorder=3)
        if mean is not None:
            axes.plot(factor * mean, place, style.marker, color=style.colour, ms=8, mec="white", mew=1, zorder=4)
    axes.set(xlabel=f"{'points' if factor > 1 else options.metric}{' · grey: within the margin' if margins else ''}")
    axes.set_title("difference from the baseline, 95 %", color=NOTE)


def name_rows(axes: Axes, table: Table, styles: Sequence[Style], options: Options) -> None:
    """The rows' names at the right of the last panel, each in its colour."""
    axes.set_yticks(range(len(table.rows)), names(table, options))
    axes.yaxis.tick_right()
    axes.tick_params(axis="y", labelright=True)
    for tick, style in zip(axes.yaxis.get_major_ticks(), styles, strict=True):
        tick.label2.set_color(style.colour)


def names(table: Table, options: Options) -> list[str]:
    """What stands beside each row."""
    return ["\n".join(textwrap.wrap(_name(row, table, options), LINE)) for row in table.rows]


def as_list(axes: Axes, rows: int) -> None:
    """Axes whose heights are rows: the first on top, no lines across."""
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=MOST_NUMBERS)


def _name(row: Row, table: Table, options: Options) -> str:
    tuned = [f"{key.rpartition('.')[2]} {show(row.settings[key])}" for key in options.tune if key in row.settings]
    lost = f"{len(row.diverged)} diverged" if row.diverged else ""
    base = "baseline" if row.label == table.baseline and len(table.rows) > 1 else ""
    return ", ".join(part for part in (printable(row.label), base, *tuned, f"n = {row.estimate.n}", lost) if part)
