"""What is drawn of a run, or of several, whatever it is drawn with: curves over epochs, grouped into panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trainer.report.history import History
from trainer.report.symptoms import fading

Points = list[tuple[float, float]]


class Curve(NamedTuple):
    """A line: (epoch, value) in order of epochs. Curves of one `place` look alike in all panels."""

    name: str
    points: Points
    place: int = 0


class Level(NamedTuple):
    """A horizontal line that others are held against."""

    name: str
    value: float


class Panel(NamedTuple):
    """Curves that share their axes; `log` for values that span decades: there a curve has a gap where it is 0."""

    title: str
    curves: list[Curve]
    log: bool = False
    level: Level | None = None

    def drawn(self, curve: Curve) -> Points:
        """The points of a curve that have a place on the axes."""
        return [(x, y) for x, y in curve.points if y > 0 or not self.log]

    @property
    def points(self) -> Points:
        """Of all curves, as far as they are drawn."""
        return [point for curve in self.curves for point in self.drawn(curve)]

    @property
    def is_worth_drawing(self) -> bool:
        """Whether it is over more than one epoch, and something changes."""
        return len({x for x, _ in self.points}) > 1 and len({y for _, y in self.points}) > 1


def panels_of(named: Sequence[tuple[str, History]]) -> list[Panel]:
    """Of runs by their names."""
    return panels_of_one(named[0][1]) if len(named) == 1 else panels_of_several(named)


def panels_of_one(history: History) -> list[Panel]:
    """A run by split and by layer; panels that would be empty are left out."""
    splits = ("train", "valid")
    layers = history.layers("grad_norm")
    norms = [_curve(history, f"grad_norm/{layer}", layer) for layer in layers]
    norms += [_curve(history, "grad_norm", "all")] * (len(layers) > 1)
    ratios = [_curve(history, f"update_ratio/{layer}", layer) for layer in history.layers("update_ratio")]
    return _drawable(
        Panel("loss", [_curve(history, f"{split}/loss", split) for split in splits]),
        Panel("accuracy in %", [_percent(history, f"{split}/accuracy", split) for split in splits]),
        Panel("gradient norm", norms, log=True, level=_threshold(history)),
        Panel("size of an update / size of the weights", ratios, log=True),
        Panel("learning rate", [_curve(history, "lr", "lr")]),
        Panel("clipped updates in %", [_percent(history, "clipped_fraction", "clipped")]),
    )


def panels_of_several(named: Sequence[tuple[str, History]]) -> list[Panel]:
    """Runs beside each other: one curve a run."""

    def curves(metric: str) -> list[Curve]:
        return [_curve(history, metric, name) for name, history in named]

    def percents(metric: str) -> list[Curve]:
        return [_percent(history, metric, name) for name, history in named]

    return _drawable(
        Panel("train loss", curves("train/loss")),
        Panel("valid accuracy in %", percents("valid/accuracy")),
        Panel("gradient norm", curves("grad_norm"), log=True),
        Panel(
            "gradient norm, first layer / last layer",
            [Curve(name, fading(history)) for name, history in named],
            log=True,
        ),
        Panel("learning rate", curves("lr")),
        Panel("clipped updates in %", percents("clipped_fraction")),
    )


def _drawable(*panels: Panel) -> list[Panel]:
    """Panels that have something to draw, with the curves that have."""
    placed = [[curve._replace(place=place) for place, curve in enumerate(panel.curves)] for panel in panels]
    kept = [
        panel._replace(curves=[curve for curve in curves if curve.points])
        for panel, curves in zip(panels, placed, strict=True)
    ]
    return [panel for panel in kept if panel.curves]


def _curve(history: History, metric: str, name: str) -> Curve:
    return Curve(name, history.series(metric))


def _percent(history: History, metric: str, name: str) -> Curve:
    return Curve(name, [(epoch, 100 * value) for epoch, value in history.series(metric)])


def _threshold(history: History) -> Level | None:
    """That of a clip which acts on the norm itself."""
    clip = history.experiment.clip
    value = {"grad": "threshold", "grad_weight": "grad_threshold"}.get(clip.name)
    return Level("clip threshold", getattr(clip, value)) if value else None
