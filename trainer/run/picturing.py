"""What a network has learned in a run's directory: as numbers and as a picture. Logs, whose failure ends no run."""

from __future__ import annotations

from pathlib import Path

from trainer.report.guarded import Guarded, say
from trainer.report.learned import Learned, write_learned
from trainer.report.pictures import as_images, write_picture

PICTURE = "learned.png"


def draw_learned(directory: Path, learned: Learned) -> dict[str, bytes]:
    """Write learned.npz and learned.png; returns the pictures for TensorBoard, as PNG by name, none without matplotlib."""
    log = Guarded(f"{directory / PICTURE}", lambda: directory)
    log.attempt(lambda: write_learned(directory, learned))
    try:
        log.attempt(lambda: write_picture(directory / PICTURE, learned))
        return as_images(learned)
    except ImportError:
        say("report.images=true draws with matplotlib, which is not installed: pip install matplotlib.")
        return {}
