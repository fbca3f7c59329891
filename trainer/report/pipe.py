"""A terminal or a pipe whose reader may go. In a file of its own: help is answered without rich."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from trainer.terminal.printable import printable


class Pipe(Console):
    """A console that reports a reader who has gone, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  # the BrokenPipeError that rich is handling


def tell_written(*files: Path) -> None:
    """Say at the end of a command which files it has written."""
    for file in files:
        Pipe().print(Text(f"written to {printable(file)}", "dim"), soft_wrap=True)
