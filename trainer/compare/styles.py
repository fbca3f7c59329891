"""How a row is drawn: a word has the same colour and marker in every figure, so that adam is known again, in grey too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.compare.rows import Row
from trainer.experiment import GROUPS

# The plain choice is grey; then colours of Okabe and Ito, and two more, which colour-blind readers tell apart.
COLOURS = ("#555555", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#8B6914")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 4)), (0, (6, 4)))


@dataclass(frozen=True)
class Style:
    """Of a row's line and dots, as matplotlib names them."""

    colour: str
    marker: str
    dash: Any


def styles(rows: Sequence[Row]) -> list[Style]:
    """The first group whose words differ gives colour and marker, by a word's place in its group; the second one the dash.

    Rows that would still look alike, such as those of several rates, get other dashes; where no words differ, all by their order.
    """
    words = [varied(row.settings, rows) for row in rows]
    if not any(words):
        return [Style(*_look(place + 1), DASHES[0]) for place in range(len(rows))]
    drawn: list[Style] = []
    for places in words:
        look, dash = _look(places[0]), sum(places[1:])
        alike = sum((style.colour, style.marker) == look for style in drawn) if len(places) < 2 else 0
        drawn.append(Style(*look, DASHES[(dash + alike) % len(DASHES)]))
    return drawn


def varied(settings: Mapping[str, Any], rows: Sequence[Row]) -> list[int]:
    """The place of a row's word in each group whose words differ among the rows."""
    groups = [group for group in GROUPS if len({row.settings.get(group) for row in rows}) > 1]
    known = [(list(GROUPS[group]), settings.get(group)) for group in groups]
    return [words.index(word) if word in words else len(words) for words, word in known]


def _look(place: int) -> tuple[str, str]:
    return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
