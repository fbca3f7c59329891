"""Plain data of a bounded size: all that a file of a run may hold, whoever wrote it."""

from __future__ import annotations

from types import NoneType
from typing import Any

DEEPEST = 20  # levels of lists and mappings
MOST = 10_000  # values in a configuration, a summary or a record
SCALARS = {str, float, bool, NoneType}


class Unreadable(ValueError):
    """A file that is there, and is not opened or not taken for what its name says; the text says why."""


def plain_data(value: Any, most: int = MOST) -> Any:
    """`value`, after it was found to be nothing but mappings, lists, texts, numbers, booleans and null, neither deeper nor
    more of them than in any file of ours, though lists may hold themselves or one another. Raises Unreadable."""
    left, depth, level = most, 0, [value]
    while level:
        left, depth = left - len(level), depth + 1
        if depth > DEEPEST:
            raise Unreadable("it is nested too deeply")
        if left < 0:
            raise Unreadable(f"it holds more than {most:,} values")
        level = [inner for item in level if type(item) not in SCALARS for inner in _inside(item)]
    return value


def _inside(value: Any) -> Any:
    """What a value holds that is no text, no float, no boolean and not null."""
    if isinstance(value, int) and abs(value) < 2**64:
        return ()
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and {str}.issuperset(map(type, value)):
        return value.values()
    what = (
        "a number beyond all bounds"
        if isinstance(value, int)
        else f"something else than plain data ({type(value).__name__})"
    )
    raise Unreadable(f"it holds {what}")
