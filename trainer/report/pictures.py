"""Pictures of what a network has learned: what it confuses, its worst mistakes, its first weights, how large all weights are."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.report.drawing import figure
from trainer.report.files import write_whole
from trainer.report.learned import Learned
from trainer.terminal.printable import percent, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST_NUMBERED = 12  # classes whose counts are written into the matrix
MOST_PANELS = 12  # histograms
WIDTH, HEIGHT = 12.6, 11.0  # inches of all pictures together

Picture = Callable[[Any, Learned], None]


def draw_all(part: Figure | SubFigure, learned: Learned) -> None:
    """All pictures on one sheet."""
    for place, draw in zip(part.subfigures(2, 2, squeeze=False).flat, PICTURES.values(), strict=True):
        draw(place, learned)


def write_picture(path: Path, learned: Learned) -> None:
    """Replace a file by all pictures, as PNG. ImportError without matplotlib, and OSError."""
    write_whole(path, _png(draw_all, learned, WIDTH, HEIGHT))


def as_images(learned: Learned) -> dict[str, bytes]:
    """Each picture but the histograms, which TensorBoard draws itself, as PNG. ImportError without matplotlib."""
    return {
        name: _png(draw, learned, WIDTH / 2, HEIGHT / 2) for name, draw in PICTURES.items() if draw is not histograms
    }


def _png(draw: Picture, learned: Learned, width: float, height: float) -> bytes:
    buffer = io.BytesIO()
    with figure(width, height, buffer) as sheet:
        draw(sheet, learned)
    return buffer.getvalue()


def confusion(part: Figure | SubFigure, learned: Learned) -> None:
    """Rows are true classes, columns predictions; the colour is the share of a row."""
    counts = learned.confusion
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes: Axes = part.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set(
        xlabel="predicted",
        ylabel="true",
        title=f"Confusion matrix, {int(counts.sum()):,} {printable(learned.split)} images",
    )
    if len(counts) > MOST_NUMBERED:
        return
    axes.set(xticks=range(len(counts)), yticks=range(len(counts)))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=7)


def mistakes(part: Figure | SubFigure, learned: Learned) -> None:
    """The wrong predictions it was most confident of."""
    what = "prediction (confidence), true class" if len(learned.images) else "none, all predictions are right"
    part.suptitle(f"Worst mistakes: {what}", size=10)
    for number, axes in enumerate(_grid(part, len(learned.images))):
        predicted, true, confidence = (getattr(learned, name)[number] for name in ("predicted", "true", "confidence"))
        axes.imshow(_picture(learned.images[number]), cmap="gray_r")
        axes.set_title(f"{int(predicted)} ({percent(confidence, 0)}), true {int(true)}", fontsize=7, loc="center")


def first_weights(part: Figure | SubFigure, learned: Learned) -> None:
    """What the units of the first layer respond to, those with the longest weights: red excites, blue inhibits."""
    part.suptitle(f"First layer: the {len(learned.weights)} units with the longest weights", size=10)
    for axes, weights in zip(_grid(part, len(learned.weights)), learned.weights, strict=False):
        bound = float(np.abs(weights).max()) or 1.0
        axes.imshow(_picture(weights), cmap="RdBu_r", vmin=-bound, vmax=bound)


def histograms(part: Figure | SubFigure, learned: Learned) -> None:
    """How large the weights of each layer are, and their gradients."""
    part.suptitle("Weights and gradients by layer", size=10)
    shown = list(learned.histograms.items())[:MOST_PANELS]
    for axes, (name, (counts, edges)) in zip(_grid(part, len(shown), bare=False, across=2), shown, strict=False):
        axes.stairs(counts, edges, fill=True, color="#D55E00" if name.startswith("gradients") else "#0072B2")
        axes.set_title(printable(name), fontsize=7)
        axes.tick_params(labelsize=6)
        axes.set_yticks([])


PICTURES: dict[str, Picture] = {
    "confusion": confusion, "mistakes": mistakes, "first weights": first_weights, "histograms": histograms,
}  # fmt: skip


def _grid(part: Figure | SubFigure, count: int, bare: bool = True, across: int = 4) -> list[Axes]:
    """Room for so many small pictures; the rest, and all axes of `bare` ones, are not drawn."""
    rows = max(1, -(-count // across))
    places = list(part.subplots(rows, across, squeeze=False).flat)
    for axes in places if bare else places[count:]:
        axes.set_axis_off()
    return places[:count]


def _picture(pixels: np.ndarray) -> np.ndarray:
    """A row of pixels as the rectangle that is nearest to a square."""
    height = next(n for n in range(math.isqrt(len(pixels)), 0, -1) if len(pixels) % n == 0)
    return pixels.reshape(height, -1)
