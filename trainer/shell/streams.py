"""Standard streams that are closed, full, in an encoding of few characters, or that nobody reads any more."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from trainer.errors import ExitCode
from trainer.report.guarded import leave, say


def guarded(command: Callable[[], int]) -> int:
    """Carry out a command whose output may fail; returns its exit code.

    A reader who has gone (`| head`) has read enough, and that is no failure; a full disk is one. Other errors are raised.
    """
    _prepare()
    try:
        code = command()
        sys.stdout.flush()
        return code
    except OSError as error:
        if not _lost(sys.stdout):
            raise
        if isinstance(error, BrokenPipeError):
            return ExitCode.DONE
        say(f"the output can't be written: {error.strerror or error}.")
        return ExitCode.CRASHED


def _prepare() -> None:
    """Open what is closed, lest a file of a run become stdout; print '?' for characters that an encoding lacks."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):  # a descriptor that was exchanged below Python can't be asked where it stands
                stream.reconfigure(errors="replace")


def _lost(stream: TextIO) -> bool:
    """Whether nothing can be written to a stream any more; Python will not fail on it again at its end."""
    try:
        print(file=stream, flush=True)  # what could not be written is dropped, and an empty flush tells nothing
        return False
    except OSError:
        leave(stream)
        return True
