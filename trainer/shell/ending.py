"""How the command's process ends, and how often it looks for garbage until then."""

from __future__ import annotations

import atexit
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Ending:
    """The process ends as soon as all is said, without taking itself apart: with torch that takes up to 0.4 s.

    Functions that are registered with `atexit` later are called before; earlier ones, such as a measurement of coverage begun
    by a .pth file, are not called.
    """

    def __init__(self) -> None:
        self.code = 1  # until the command says how it went
        atexit.register(self._end)  # the first to be registered is the last to be called
        gc.set_threshold(100_000)  # a tenth of the time to import torch went into looking through all that it makes

    def leave(self, code: int) -> NoReturn:
        """End with this exit code."""
        import signal

        self.code = code
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is saved and said: no traceback from Python's own end
        sys.exit(code)

    def _end(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # nobody reads it, or it is closed
                pass
        os._exit(self.code)
