"""No option of a command line is dropped in silence: what the parsers of `train` and of `train compare` share."""

from __future__ import annotations

import argparse
from typing import Any


class Once(argparse.Action):
    """An option whose second value would silently replace its first; a parser that meets it twice reports an error."""

    given = False

    def __call__(self, parser: Any, options: Any, value: Any, option: str | None = None) -> None:
        if option and self.given:
            parser.error(f"{option} is given twice: leave one of them out")
        self.given = True
        setattr(options, self.dest, value)
