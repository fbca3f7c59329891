"""Ctrl-C and SIGTERM: a run ends at its next update, saved; a second one ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

STATUS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
EXIT_CODES = {"interrupted": 130, "terminated": 143}


class Stopped(BaseException):
    """A signal came while nothing was being trained yet; `status` is the word for it."""

    def __init__(self, status: str):
        super().__init__(status)
        self.status = status


class Signals:
    """While entered, SIGINT and SIGTERM set `status` instead of killing; outside the loop (`training` False) they raise."""

    def __init__(self) -> None:
        self.status: str | None = None
        self.training = False
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self.previous = {number: signal.signal(number, self._receive) for number in STATUS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.status is not None:
            os._exit(128 + number)
        self.status = STATUS[signal.Signals(number)]
        if not self.training:
            raise Stopped(self.status)
