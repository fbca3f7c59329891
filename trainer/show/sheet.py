"""Runs as one sheet: the charts of `page`, and what they mean, drawn with matplotlib straight into a file."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.compare.plot import COLOURS, STYLE
from trainer.errors import ConfigError
from trainer.printable import printable
from trainer.report.closing import result
from trainer.report.diagnoses import diagnose
from trainer.show.finding import Shown
from trainer.show.page import facts
from trainer.show.panels import Panel, panels_of_one, panels_of_several

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", "--", "-.", ":")
BESIDE = 3  # charts in a row
WIDTH, HEIGHT = 4.2, 2.9  # inches of one


def draw(shown: Sequence[Shown], path: Path) -> None:
    """Write the sheet to `path` (.png, .svg or .pdf). ConfigError where matplotlib or the place is missing."""
    os.environ.pop("MPLBACKEND", None)  # a notebook's, inherited, need not exist here, and no window is opened
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("--plot needs matplotlib, the extra `plot`: pip install matplotlib.") from error
    named = [(run.name, run.history) for run in shown]
    panels = panels_of_one(shown[0].history) if len(shown) == 1 else panels_of_several(named)
    with matplotlib.rc_context(STYLE | {"svg.fonttype": "none"}):
        rows = -(-len(panels) // BESIDE)
        head, foot = _head(shown), _foot(shown)
        figure = Figure(
            figsize=(WIDTH * BESIDE, HEIGHT * rows + 0.2 * (len(head) + len(foot)) + 0.3), layout="constrained"
        )
        figure.suptitle("\n".join(head), x=0.01, ha="left", size=10)
        _charts(figure, panels, rows, len(shown) > 1)
        if foot:
            figure.supxlabel("\n".join(foot), x=0.01, ha="left", size=10, color="#9A5B00")
        try:
            metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
            figure.savefig(path, dpi=160, metadata=metadata)
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


def _charts(figure: Figure, panels: Sequence[Panel], rows: int, several: bool) -> None:
    """The charts in rows. Several runs are named once, at the end of the first row."""
    places = list(figure.subplots(rows, BESIDE, squeeze=False).flat)
    for number, (axes, panel) in enumerate(zip(places, panels, strict=False)):
        _chart(axes, panel)
        if (len(panel.curves) > 1 or panel.level) and (not several or number == BESIDE - 1):
            axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1.03), handlelength=1.2)
    for axes in places[len(panels) :]:
        axes.set_axis_off()


def _chart(axes: Axes, panel: Panel) -> None:
    for curve in panel.curves:
        x, y = [x for x, _ in curve.points], [y for _, y in curve.points]
        colour, dash = COLOURS[curve.place % len(COLOURS)], DASHES[curve.place // len(COLOURS) % len(DASHES)]
        axes.plot(
            x, y, dash, color=colour, marker="o" if len(x) < 12 else "", ms=3, label=_short(printable(curve.name))
        )
    if panel.level:
        axes.axhline(panel.level.value, color="#888888", ls="--", lw=1, label=panel.level.name)
    if panel.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: "")
    axes.set_title(panel.title)
    axes.set_xlabel("epoch")


def _short(name: str) -> str:
    """A name that leaves room for the chart beside it."""
    return name if len(name) <= 32 else f"{name[:20]}…{name[-11:]}"
