"""How all our pictures look, and how they are written. matplotlib is an extra; it draws straight into a file, so that no screen
is needed, one picture at a time: its settings are those of the whole process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.size": 10, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#E8E8E8", "axes.axisbelow": True,
    "text.parse_math": False, "svg.hashsalt": "train", "svg.fonttype": "none",
}  # fmt: skip


DRAWING = threading.RLock()  # the runs of a stack end at the same time


@contextmanager
def figure(width: float, height: float, file: Path | BinaryIO) -> Iterator[Figure]:
    """A figure, in inches, in our style; written at the end to a path (.png, .svg or .pdf), or as PNG to a file.
    ImportError without matplotlib, and OSError."""
    os.environ.pop("MPLBACKEND", None)  # a notebook's, inherited, need not exist here, and no window is opened
    import matplotlib
    from matplotlib.figure import Figure

    with DRAWING, matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(width, height), layout="constrained")
        yield drawn
        suffix = file.suffix.lower() if isinstance(file, Path) else ".png"
        dateless = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        drawn.savefig(file, dpi=160, format=suffix[1:], metadata=dateless.get(suffix))
