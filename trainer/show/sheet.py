"""Runs as one sheet: the charts of `page`, what they mean, and where a run kept it what it has learned."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.compare.plot import drawing
from trainer.compare.styles import COLOURS, DASHES
from trainer.errors import CompareError, ConfigError
from trainer.report.closing import result
from trainer.report.diagnoses import diagnose
from trainer.report.learned import read_learned
from trainer.report.pictures import draw_all
from trainer.show.finding import Shown
from trainer.show.page import facts
from trainer.show.panels import Panel, panels_of
from trainer.terminal.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

BESIDE = 3  # charts in a row
WIDTH, HEIGHT = 4.2, 2.9  # inches of one
PICTURES = 11.0  # inches of the pictures below


def draw(shown: Sequence[Shown], path: Path) -> None:
    """Write the sheet to `path`, one of PICTURES. ConfigError where matplotlib or the place is missing."""
    panels = panels_of([(run.name, run.history) for run in shown])
    rows, head, foot = -(-len(panels) // BESIDE), _head(shown), _foot(shown)
    learned = read_learned(shown[0].directory) if len(shown) == 1 else None
    heights = [HEIGHT * rows + 0.2 * (len(head) + len(foot)) + 0.3, *([PICTURES] if learned else [])]
    try:
        with drawing(WIDTH * BESIDE, sum(heights), path) as figure:
            charts, *pictures = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
            charts.suptitle("\n".join(head), x=0.01, ha="left", size=10)
            _charts(charts, panels, rows, len(shown) > 1)
            charts.supxlabel("\n".join(foot), x=0.01, ha="left", size=10, color="#9A5B00")
            if learned:
                draw_all(pictures[0], learned)
    except CompareError as error:  # no matplotlib
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror or error}.") from error


def _head(shown: Sequence[Shown]) -> list[str]:
    """What each run is, and how it ended."""
    return [
        printable(text) for run in shown for text in (f"{run.name}: {result(run.history.summary)}", f"    {facts(run)}")
    ]


def _foot(shown: Sequence[Shown]) -> list[str]:
    said = [(run.name, diagnosis) for run in shown for diagnosis in diagnose(run.history)]
    texts = [printable(f"{name}: {diagnosis}" if len(shown) > 1 else str(diagnosis)) for name, diagnosis in said]
    return [line for text in texts for line in textwrap.wrap(text, 150, subsequent_indent="    ")]


def _charts(part: SubFigure, panels: Sequence[Panel], rows: int, several: bool) -> None:
    """The charts in rows. Several runs are named once, at the end of the first row."""
    places = list(part.subplots(rows, BESIDE, squeeze=False).flat)
    for number, (axes, panel) in enumerate(zip(places, panels, strict=False)):
        _chart(axes, panel)
        if (len(panel.curves) > 1 or panel.level) and (not several or number == BESIDE - 1):
            axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1.03), handlelength=1.2)
    for axes in places[len(panels) :]:
        axes.set_axis_off()


def _chart(axes: Axes, panel: Panel) -> None:
    for curve in panel.curves:
        points = panel.drawn(curve)
        x, y = [x for x, _ in points], [y for _, y in points]
        colour, dash = COLOURS[(curve.place + 1) % len(COLOURS)], DASHES[curve.place // len(COLOURS) % len(DASHES)]
        axes.plot(
            x, y, dash, color=colour, marker="o" if len(x) < 12 else "", ms=3, label=_short(printable(curve.name))
        )
    if panel.level:
        axes.axhline(panel.level.value, color="#888888", ls="--", lw=1, label=panel.level.name)
    if panel.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        low, high = axes.get_ylim()
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if high < 10 * low else "")  # ticks of a decade
        axes.tick_params(axis="y", which="minor", labelsize=7)
    axes.set_title(panel.title)
    axes.set_xlabel("epoch")


def _short(name: str) -> str:
    """A name that leaves room for the chart beside it."""
    return name if len(name) <= 32 else f"{name[:20]}…{name[-11:]}"
