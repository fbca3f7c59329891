"""Text of strangers on a terminal: a run directory, a mirror or a table may hold escape sequences, which must not steer it."""

from __future__ import annotations


def printable_lines(text: str) -> str:
    """A text of several lines without control characters, such as a sentence with what a file or a mirror has said."""
    return "\n".join(printable(line) for line in text.split("\n"))


def printable(value: object) -> str:
    """Text without control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(value))
