"""A unit on another machine, as far as it is known here: by what it writes into a file that both machines see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from trainer.sweep.plan import Stack
from trainer.sweep.protocols import Message


class RemoteUnit:
    """A stack in the hands of a cluster."""

    def __init__(self, stack: Stack, name: str, folder: Path):
        self.stack = stack
        self.left = {piece.cell: piece for piece in stack.pieces}
        self.name, self.said, self.errors = name, folder / f"{name}.jsonl", folder / f"{name}.err"
        self.position, self.begun, self.stopped = 0, False, False
        self.reached: list[float] = []  # the first and the last progress of its last start
        self.why = "it has left the queue"

    def news(self) -> list[Message]:
        """What it has said since the last time; a line that was cut short, by a kill, is left out."""
        try:
            with open(self.said, "rb") as file:
                file.seek(self.position)
                lines, whole, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:  # not begun yet
            return []
        self.position += len(lines) + len(whole)
        news = []
        for line in lines.splitlines():
            with suppress(ValueError):
                news.append(json.loads(line))
        return news

    def take(self, message: Message) -> None:
        """Note what the engine asks after later."""
        if message["event"] == "progress":
            self.reached = [*self.reached[:1], message["cells"]]
        elif message["event"] == "stopped":
            self.stopped = True

    def advanced(self) -> bool:
        """Whether it was stopped, with all saved, after it had got further: as at a limit of time."""
        return self.stopped and len(self.reached) == 2 and self.reached[1] > self.reached[0]

    def reason(self) -> str:
        return f"the unit that trained it, {self.name}, is gone: {self.why}"

    @property
    def last_words(self) -> Iterable[str]:
        try:
            return self.errors.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-50:]
        except OSError:
            return ()
