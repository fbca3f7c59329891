"""Text on a terminal or in a pipe: lines of a width, no word broken, headings bold where there is a terminal. No rich, which
takes as long to import as all the rest."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

WIDEST = 100  # columns that the eye follows
NARROWEST = 40
GAP, SHORTEST = 2, 30  # between a term and its meaning; columns that the meaning of a command needs beside it
FIXED = "\u00a0"  # a blank where no line ends
HEADING, TERM, END = "\x01", "\x02", "\x03"  # where a style begins and ends, in a text that is not shown yet
STYLES = {HEADING: "\033[1m", TERM: "\033[36m", END: "\033[0m"}


def width() -> int:
    """The columns of the terminal, or 80 where there is none and COLUMNS says nothing."""
    return min(max(shutil.get_terminal_size((80, 24)).columns - 1, NARROWEST), WIDEST)


def has_style() -> bool:
    """Whether stdout is a terminal that shows bold, and nobody has asked for plain text."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def wrap(text: str, columns: int, indent: int = 0) -> list[str]:
    """A paragraph as lines of at most `columns`; words stay whole, and so do formulas: θ ← θ − ηg."""
    blank = " " * indent
    joined = re.sub(r" ([←+−=·→]) ", f"{FIXED}\\1{FIXED}", text)
    joined = re.sub(r"(?<=\w)\([^()]*\)", lambda call: call[0].replace(" ", FIXED), joined)
    lines = textwrap.wrap(
        joined, columns, initial_indent=blank, subsequent_indent=blank, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(FIXED, " ") for line in lines]


def terms(pairs: Iterable[tuple[str, str]], columns: int, indent: int = 2, longest: int = 28) -> Iterator[str]:
    """Terms and what they mean, beside each other; a meaning stands below a term that is too long for that."""
    pairs = list(pairs)
    longest = max((len(term) for term, _ in pairs if len(term) <= longest), default=0)
    column = indent + (longest + GAP if longest else 2 * GAP)
    for term, meaning in pairs:
        lines = wrap(meaning, max(columns - column, NARROWEST // 2)) or [""]
        blank = " " * (longest + GAP - len(term))
        beside = f"{blank}{lines.pop(0)}" if len(term) <= longest else ""
        yield f"{' ' * indent}{TERM}{term}{END}{beside}".rstrip()
        yield from (f"{' ' * column}{line}" for line in lines)


def examples(pairs: Iterable[tuple[str, str]], columns: int) -> Iterator[str]:
    """Commands and what they do: beside them where there is room for all, else below each."""
    pairs = list(pairs)
    longest = max(len(command) for command, _ in pairs)
    beside = longest + 2 * GAP + SHORTEST <= columns
    yield from terms(pairs, columns, longest=longest) if beside else terms(pairs, columns, longest=0)


def heading(text: str) -> str:
    return f"{HEADING}{text}{END}"


def styled(lines: Iterable[str]) -> str:
    """Lines as one text, with headings in bold and terms in colour where the terminal shows that."""
    styles = STYLES if has_style() else dict.fromkeys(STYLES, "")
    return re.sub(f"[{''.join(STYLES)}]", lambda mark: styles[mark[0]], "\n".join(lines))
