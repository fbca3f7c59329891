"""Text on a terminal: that of strangers without the escape sequences that would steer it, and commands to be copied."""

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
