"""What may fail without harm to the training: logs and the screen. Results may not."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any


class Guarded:
    """A log whose failure is said once and never stops the training; `guarded("record", x)` is `log.record(x)`."""

    def __init__(self, name: str, make: Callable[[], Any]):
        self.name, self.log = name, None
        self.log = self._try(make)

    def __call__(self, method: str, *arguments: Any) -> None:
        log = self.log
        if log is not None:
            self._try(lambda: getattr(log, method)(*arguments))

    def _try(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError as error:
            self.log = None
            say(f"{self.name} can't be written and is left out from here: {error.strerror or error}.")
            return None


def say(sentence: str) -> None:
    """A sentence on stderr, which may be gone too."""
    with contextlib.suppress(OSError):
        print(f"train: {sentence}", file=sys.stderr, flush=True)
