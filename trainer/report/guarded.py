"""What may fail without harm to the training: logs and the screen. Results may not."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from trainer.terminal.printable import printable, printable_lines


class Guarded:
    """A log whose failure is said once and never stops the training; `guarded("record", x)` is `log.record(x)`."""

    def __init__(self, name: str, make: Callable[[], Any]):
        self.name, self.log = name, None
        self.log = self._try(make)

    def __call__(self, method: str, *arguments: Any) -> None:
        log = self.log
        if log is not None:
            self._try(lambda: getattr(log, method)(*arguments))

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something that writes where this log does."""
        if self.log is not None:
            self._try(action)

    def _try(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError as error:
            self.log = None
            say(f"{self.name} can't be written and is left out from here: {error.strerror or error}.")
            return None


def leave(*streams: Any) -> None:
    """Where a stream is gone, keep Python from failing on it once more at its end."""
    for stream in streams:
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(sentence: str) -> None:
    """A sentence on stderr, which may be gone too."""
    with contextlib.suppress(OSError):
        print(f"train: {printable_lines(sentence)}", file=sys.stderr, flush=True)


def announce(sentence: str) -> None:
    """The first sentence on stdout, before libraries are loaded that take seconds. Where it can't be
    written, what follows says so."""
    with contextlib.suppress(OSError):
        print(printable(sentence), flush=True)
