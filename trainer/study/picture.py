"""The picture of a study's answer: what each technique changes, alone and beside the others, as it was tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainer.compare.plot import drawing
from trainer.compare.styles import COLOURS
from trainer.study.answer import Answer
from trainer.study.judging import Verdict
from trainer.study.sentences import alone, beside
from trainer.terminal.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {"alone": (COLOURS[1], "o", -0.14), "beside": (COLOURS[2], "D", 0.14), "together": (COLOURS[0], "s", 0.0)}
"""Colour, marker and place below or above its line of each kind of comparison."""


def draw(answer: Answer, path: Path) -> None:
    """Write the picture. Raises CompareError where matplotlib is missing, and OSError."""
    with drawing(8, 1.5 + 0.45 * len(_lines(answer)), path) as figure:
        fill(figure.subplots(), answer)


def _lines(answer: Answer) -> list[tuple[str, list[Verdict]]]:
    """The name of each line and what stands on it."""
    lines = [(_name(one), [one, *filter(None, [beside(answer, one)])]) for one in alone(answer)]
    return lines + [("all together", [one]) for one in answer.verdicts if one.comparison.place == "together"]


def fill(axes: Axes, answer: Answer) -> None:
    """Draw every comparison: a line a technique, its mark and the interval that was tested."""
    lines = _lines(answer)
    axes.axvspan(-100 * answer.margin, 100 * answer.margin, color="#EEEEEE", lw=0, zorder=0)
    axes.axvline(0, color="#888888", lw=1, ls="--", zorder=1)
    for place, (_, verdicts) in enumerate(lines):
        for one in verdicts:
            _draw(axes, one, place)
    axes.set_yticks(range(len(lines)), [name for name, _ in lines])
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="points of test accuracy · grey: within the margin", ylim=(len(lines) - 0.4, -0.6))
    axes.set_title(f"gained on {printable(answer.dataset)}, 95 %, {answer.seeds} seeds", weight="bold")
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(loc="best", frameon=False)


def _name(one: Verdict) -> str:
    return f"{one.comparison.name} over {one.comparison.other}" if one.comparison.rivals else one.comparison.name


def _draw(axes: Axes, one: Verdict, place: int) -> None:
    found = one.judgement.crossed if one.judgement else None
    if found is None or found.mean is None:
        return
    colour, marker, off = LOOKS[one.comparison.place]
    said = {"alone": "alone", "beside": "beside the others"}.get(one.comparison.place)
    label = said if said not in axes.get_legend_handles_labels()[1] else None
    if found.low is not None and found.high is not None:
        axes.plot([100 * found.low, 100 * found.high], [place + off] * 2, color=colour, lw=2.2, zorder=3)
    axes.plot(
        100 * found.mean, place + off, marker, color=colour, ms=8, mec="white", mew=1, zorder=4, ls="", label=label
    )
