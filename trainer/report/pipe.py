"""A terminal or a pipe whose reader may go. In a file of its own: help is answered without rich."""

from __future__ import annotations

from rich.console import Console


class Pipe(Console):
    """A console that reports a reader who has gone, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  # the BrokenPipeError that rich is handling
