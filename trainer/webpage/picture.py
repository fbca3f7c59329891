"""The picture of a comparison as SVG inside a page, text as text. matplotlib is an extra: without it a sentence stands there."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from trainer.compare.comparison import Comparison
from trainer.errors import CompareError
from trainer.webpage.elements import element


def picture(comparison: Comparison) -> str:
    """Curves, final values and differences of every table; a sentence where nothing can be drawn."""
    from trainer.compare.plot import draw

    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "picture.svg"
            draw(comparison, path)
            return inlined(path.read_text(encoding="utf-8"))
    except CompareError as error:
        return element("p", f"No picture: {str(error).removeprefix('--plot').strip(' :')}", "note")


def inlined(svg: str) -> str:
    """An SVG file's content without what belongs to a file: declarations, and metadata that name other places."""
    return re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
