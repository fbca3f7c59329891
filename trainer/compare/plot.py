"""Pictures of a comparison: curves over epochs, or the sensitivity to a number, beside final values and tested differences.

matplotlib is an extra; it draws straight into a file, so no screen is needed and no global state touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.compare import panels
from trainer.compare.comparison import Comparison, Table
from trainer.compare.curves import learning_curve, sensitivity
from trainer.compare.options import Options
from trainer.compare.styles import Style, styles
from trainer.errors import CompareError
from trainer.report.drawing import figure
from trainer.terminal.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

TOGETHER = 8  # curves that one panel can hold; more get a small one each
SMALL = 24  # at most
ACROSS = 4  # small panels in a row


def draw(comparison: Comparison, path: Path) -> None:
    """Writes the picture to `path` (one of PICTURES); one row of axes a data set. OSError where it cannot be written."""
    tables = [table for table in comparison.tables if any(row.estimate.mean is not None for row in table.rows)]
    if not tables:
        raise CompareError("--plot: no run has a final value, so there is nothing to draw.")
    sheets = [Sheet(table, comparison.options) for table in tables]
    heights = [sheet.height for sheet in sheets]
    with drawing(max(sheet.width for sheet in sheets), sum(heights), path) as figure:
        parts = figure.subfigures(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
        for part, sheet in zip(parts, sheets, strict=True):
            sheet.draw(part)


@contextmanager
def drawing(width: float, height: float, path: Path) -> Iterator[Figure]:
    """A figure, in inches, in our style; written to `path` at the end. CompareError without matplotlib, and OSError."""
    try:
        with figure(width, height, path) as drawn:
            yield drawn
    except ImportError as error:
        raise CompareError("--plot needs matplotlib, the extra `plot`: pip install matplotlib.") from error


class Sheet:
    """The panels of one table: curves where there are any, final values, and differences where there is a baseline."""

    def __init__(self, table: Table, options: Options):
        self.table, self.options, self.styles = table, options, styles(table.rows)
        key = options.tune[0] if len(options.tune) == 1 else ""
        lines = [sensitivity(row, key, options.metric) for row in table.rows]
        if not any(lines):
            key, lines = "", [learning_curve(row, options.metric) for row in table.rows]
        self.key = key
        # test metrics are known at the end only
        self.lines = lines if any(len(points) > 1 for points in lines) else []
        self.has_differences = any(row.judgement for row in table.rows)
        self.is_crowd = len(table.rows) > TOGETHER and bool(self.lines) and not key

    @property
    def width(self) -> float:
        return 3.6 + 0.085 * max(map(len, self.names)) + 4.5 * bool(self.lines) + 3.5 * self.has_differences

    @property
    def height(self) -> float:
        return max(3.8 if self.lines else 1.8, 1.4 + 0.28 * len(self.names), 2.0 * self.is_crowd * self._deep)

    @property
    def names(self) -> list[str]:
        """The lines of the rows' names."""
        return "\n".join(panels.names(self.table, self.options)).split("\n")

    @property
    def _deep(self) -> int:
        """How many rows of small panels."""
        return -(-min(len(self.lines), SMALL) // ACROSS)

    def draw(self, part: SubFigure) -> None:
        title = f"{self.options.metric} on {printable(self.table.dataset)}: mean and 95 % interval over seeds"
        part.suptitle(title, x=0.01, ha="left", weight="bold")
        widths = [*([3.5] if self.lines else []), 2.5, *([2.5] if self.has_differences else [])]
        if self.is_crowd:
            left, right = part.subfigures(1, 2, squeeze=False, width_ratios=(3.5, sum(widths[1:])))[0]
            self._draw_crowd(left)
            axes = [None, *right.subplots(1, len(widths) - 1, squeeze=False)[0]]
        else:
            axes = list(part.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0])
            if self.lines:
                self._draw_curves(axes[0])
        self._draw_ends([one for one in axes[bool(self.lines) :] if one is not None])

    def _draw_ends(self, axes: Sequence[Axes]) -> None:
        for one in axes:
            panels.as_list(one, len(self.table.rows))
        panels.draw_values(axes[0], self.table, self.styles, self.options)
        if self.has_differences:
            panels.draw_differences(axes[1], self.table, self.styles, self.options)
            axes[0].set_yticks([])
        panels.name_rows(axes[-1], self.table, self.styles, self.options)

    def _draw_curves(self, axes: Axes) -> None:
        panels.draw_lines(axes, self.lines, self.styles, self.options)
        axes.set(xlabel=self.key or "epoch", ylabel=panels.axis_name(self.options))
        if self.key:
            panels.draw_choices(axes, self.table, self.key, self.styles, self.options)
        else:
            axes.locator_params(axis="x", integer=True)

    def _draw_crowd(self, part: SubFigure) -> None:
        """A small panel a row, the others faint behind it."""
        grid = part.subplots(self._deep, ACROSS, sharex=True, sharey=True, squeeze=False).flat
        drawn = list(zip(self.table.rows, self.lines, self.styles, strict=True))[:SMALL]
        for axes, (row, points, style) in zip(grid, drawn, strict=False):
            panels.draw_faint(axes, self.lines, self.options)
            panels.draw_line(axes, points, Style(style.colour, "", "-"), self.options)
            lost = "" if points else "\nall diverged" if row.diverged else "\nno records"
            axes.set_title(printable(row.label).replace(" ", "\n") + lost, fontsize=7, color=style.colour)
            axes.tick_params(labelsize=7)
        for axes in list(part.axes)[len(drawn) :]:
            axes.set_axis_off()
        panels.scale_values(part.axes[0], self.lines, self.options)
        more = f", the first {SMALL} of {len(self.lines)}" if len(self.lines) > SMALL else ""
        part.supxlabel(f"epoch{more}", fontsize=9)
        part.supylabel(panels.axis_name(self.options), fontsize=9)
