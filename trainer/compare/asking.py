"""The same from Python: the tables of `train compare` as an object, for a script or a notebook."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType

from trainer.compare.comparison import Comparison, compare
from trainer.compare.export import row_data
from trainer.compare.options import APART, Options
from trainer.compare.overall import overall
from trainer.compare.plot import draw
from trainer.compare.table import UNLIMITED, needed_width, print_comparison, render

if TYPE_CHECKING:
    from pandas import DataFrame

HTML = '<pre style="white-space:pre;overflow-x:auto">{code}</pre>'


@dataclass(frozen=True)
class Compared:
    """Runs compared. A notebook shows it as the table of the terminal, `print` as plain text."""

    comparison: Comparison

    @property
    def sentences(self) -> list[str]:
        """What came out over all, a sentence for each data set that has more than one group."""
        said = [overall(table, self.comparison.options) for table in self.comparison.tables]
        return [sentence for sentence in said if sentence]

    def to_pandas(self) -> DataFrame:
        """A row a group, with the columns of `--csv`: accuracies and their differences as shares (0.01 is a point)."""
        import pandas as pd

        rows = ((table, row) for table in self.comparison.tables for row in table.rows)
        return pd.DataFrame([row_data(table, row, self.comparison.options) for table, row in rows])

    def plot(self, path: str | Path) -> None:
        """Draw it into a .png, .svg or .pdf file. Raises CompareError where matplotlib is missing, and OSError."""
        draw(self.comparison, Path(path))

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), record=True, width=self._width)
        print_comparison(self.comparison, console)
        return console.export_text().rstrip()

    def _repr_html_(self) -> str:
        return as_html(list(render(self.comparison, UNLIMITED)), self._width)

    @property
    def _width(self) -> int:
        return max(80, needed_width(self.comparison))


def as_html(parts: Sequence[RenderableType], width: int = 100) -> str:
    """What a terminal would show, for a notebook."""
    console = Console(file=io.StringIO(), record=True, width=width)
    for part in parts:
        console.print(part)
    return console.export_html(inline_styles=True, code_format=HTML)


def of(
    *directories: str | Path,
    metric: str = "valid/accuracy",
    by: Iterable[str] | None = None,
    tune: Iterable[str] = (),
    baseline: str | None = None,
    margin: float | None = None,
    choose_seeds: int | tuple[int, ...] | None = None,
    diverged: str = APART,
    effects: bool = False,
) -> Compared:
    """Compare all finished runs in and below `directories` (runs/); the other words are the options of `train compare`.

    `margin` is in points. Raises CompareError, one sentence, where there is nothing to compare."""
    keys = None if by is None else tuple(by)
    options = Options(metric, keys, tuple(tune), baseline, margin, choose_seeds, diverged, effects)
    return Compared(compare([Path(one) for one in directories] or [Path("runs")], options))
