"""A panel as lines of text: with colours as dots of Braille, without them with a letter for each curve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from rich.text import Text

from trainer.show.panels import Curve, Panel
from trainer.terminal.printable import printable

COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue", "bright_white", "bright_black")
LETTERS = "abcdefgh"
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a Braille character, 4 rows of 2, counted from U+2800."""


class Look(NamedTuple):
    """What the terminal can show; `colour` without Unicode is no use to dots."""

    colour: bool
    unicode: bool

    @property
    def dots(self) -> bool:
        return self.colour and self.unicode


class Axis(NamedTuple):
    """Values to places 0 to 1."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        low, high, value = (math.log10(x) if self.log else x for x in (self.low, self.high, value))
        return (value - low) / (high - low)


def chart(panel: Panel, width: int, height: int, look: Look) -> list[Text]:
    """The panel in lines of at most `width` columns: title, curves with their first and last values, and where
    something changes a drawing of `height` lines with its axes."""
    scale = ", log scale" if panel.log and panel.is_worth_drawing else ""
    head = [Text(f"{panel.title}{scale}"[:width], "bold"), *_legend(panel, width, look)]
    return [*head, *_drawing(panel, width, height, look)] if panel.is_worth_drawing else head


def _legend(panel: Panel, width: int, look: Look) -> list[Text]:
    """Who is who, with first and last values."""
    entries = [_entry(curve, look) for curve in panel.curves]
    if panel.level:
        entries.append(Text(f"{'┄' if look.unicode else '-'} {panel.level.name} {panel.level.value:.3g}", "dim"))
    lines = [Text()]
    for entry in entries:
        if lines[-1].cell_len and lines[-1].cell_len + 2 + entry.cell_len > width:
            lines.append(Text())
        lines[-1].append("  " * bool(lines[-1].cell_len)).append(entry)
    for line in lines:
        line.truncate(width)
    return lines


def _entry(curve: Curve, look: Look) -> Text:
    mark = "━" if look.dots else _letter(curve)
    first, last = short(curve.points[0][1]), short(curve.points[-1][1])
    values = first if first == last else f"{first} to {last}"
    return Text(f"{mark} {printable(curve.name)} {values}", _style(curve, look))


def _letter(curve: Curve) -> str:
    return LETTERS[curve.place % len(LETTERS)]


def _style(curve: Curve, look: Look) -> str:
    return COLOURS[curve.place % len(COLOURS)] if look.colour else ""


def short(value: float) -> str:
    return f"{value:.3g}"


def _drawing(panel: Panel, width: int, height: int, look: Look) -> Iterator[Text]:
    xs, ys = [x for x, _ in panel.points], [y for _, y in panel.points]
    across, up = _axis(xs), _axis(ys + ([panel.level.value] if panel.level else []), panel.log)
    labels = [short(up.high), short(up.low)]
    margin = max(map(len, labels))
    columns = max(1, width - margin - 2)
    bar, corner, dash = "│└─" if look.unicode else "|+-"
    for number, row in enumerate(_canvas(panel, across, up, columns, height, look)):
        label = labels[0] if number == 0 else labels[1] if number == height - 1 else ""
        yield Text(f"{label:>{margin}} ", "dim").append(bar).append(row)
    yield Text(f"{'':>{margin}} {corner}{dash * columns}", "dim")
    first, last = f"{across.low:g}", f"{across.high:g}"
    last = f"epoch {last}" if len(f"{first} epoch {last}") <= columns else last
    yield Text(f"{'':>{margin}}  {first}{last:>{max(0, columns - len(first))}}", "dim")


def _axis(values: list[float], log: bool = False) -> Axis:
    low, high = min(values), max(values)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)
    return Axis(low, high, log)


def _canvas(panel: Panel, across: Axis, up: Axis, columns: int, rows: int, look: Look) -> list[Text]:
    """The plane of the curves, `rows` lines of `columns` characters."""
    fine = (2, 4) if look.dots else (1, 1)  # places in a character
    right, top = columns * fine[0] - 1, rows * fine[1] - 1
    cells: dict[tuple[int, int], tuple[int, str, str]] = {}  # (row, column) → dots, letter, style

    def mark(x: int, y: int, letter: str, style: str) -> None:
        cell = (top - y) // fine[1], x // fine[0]
        bits = cells.get(cell, (0, "", ""))[0]
        cells[cell] = bits | DOTS[(top - y) % fine[1]][x % fine[0]], letter, style

    if panel.level:
        y = round(up.place(panel.level.value) * top)
        for x in range(0, right + 1, 2 * fine[0]):
            mark(x, y, "-", "dim")
    for curve in panel.curves:
        letter, style = _letter(curve), _style(curve, look)
        spots = [(round(across.place(x) * right), round(up.place(y) * top)) for x, y in panel.drawn(curve)]
        for x, y in _joined(spots):
            mark(x, y, letter, style)
    return [_row(cells, row, columns, look) for row in range(rows)]


def _joined(spots: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Every place on the straight lines from spot to spot."""
    for (x, y), (to_x, to_y) in zip(spots, spots[1:] or spots, strict=False):
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        for step in range(steps + 1):
            yield round(x + (to_x - x) * step / steps), round(y + (to_y - y) * step / steps)


def _row(cells: dict[tuple[int, int], tuple[int, str, str]], row: int, columns: int, look: Look) -> Text:
    text = Text()
    for column in range(columns):
        bits, letter, style = cells.get((row, column), (0, " ", ""))
        text.append(chr(0x2800 + bits) if look.dots and bits else letter, style)
    return text
