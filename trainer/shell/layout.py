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
FIXED = "\u00a0"  # a blank where no line ends


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
    column = indent + longest + 2
    for term, meaning in pairs:
        lines = wrap(meaning, max(columns - column, 20)) or [""]
        if len(term) <= longest:
            yield f"{' ' * indent}{term:<{longest}}  {lines.pop(0)}".rstrip()
        else:
            yield f"{' ' * indent}{term}"
        yield from (f"{' ' * column}{line}" for line in lines)


def styled(lines: Iterable[str]) -> str:
    """Lines as one text; headings, which begin at the margin and are marked by a leading #, in bold where that is shown."""
    bold = "\033[1m{}\033[0m" if has_style() else "{}"
    return "\n".join(re.sub(r"^# (.*)", lambda found: bold.format(found[1]), line) for line in lines)
