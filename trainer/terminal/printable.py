"""Text on a terminal: that of strangers without the escape sequences that would steer it, commands to be copied, and shares."""

from __future__ import annotations

import shlex


def printable_lines(text: str) -> str:
    """A text of several lines without control characters, such as a sentence with what a file or a mirror has said."""
    return "\n".join(printable(line) for line in text.split("\n"))


def printable(value: object) -> str:
    """Text without control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(value))


def command(*words: object) -> str:
    """A command of this program, whole and quoted, to be copied into a shell."""
    return shlex.join(["train", *map(str, words)])


def percent(share: float, decimals: int = 2) -> str:
    """A share such as an accuracy: `94.61 %`."""
    return f"{100 * share:.{decimals}f} %"
