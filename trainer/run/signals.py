"""Ctrl-C, SIGTERM and a closed terminal: a run ends at its next update, saved; a second signal ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

from trainer.errors import Stopped
from trainer.records import Status

STATUS = {signal.SIGINT: Status.INTERRUPTED, signal.SIGTERM: Status.TERMINATED}
SIGHUP = getattr(signal, "SIGHUP", None)  # Windows has none
if SIGHUP:
    STATUS[SIGHUP] = Status.TERMINATED


class Signals:
    """While entered, signals set `status` instead of killing; outside the loop (`training` False) they raise Stopped.

    A SIGHUP that is ignored stays so: nohup means it.
    """

    def __init__(self) -> None:
        self.status: Status | None = None
        self.training = False
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            heard = [n for n in STATUS if n != SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
            self.previous = {number: signal.signal(number, self._receive) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.status is not None:
            if number == SIGHUP:  # shell and kernel both tell of a closed terminal: no second wish of the user's
                return
            os._exit(128 + number)
        self.status = STATUS[signal.Signals(number)]
        if not self.training:
            raise Stopped(self.status)


class Held(Signals):
    """While entered, no signal is answered; those that came are, when it is left."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[int] = []

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.came.append(number)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for number in self.came:
            signal.raise_signal(number)
