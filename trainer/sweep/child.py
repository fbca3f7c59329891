"""How child processes are started: with this package, one thread, and deaf to the terminal's Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import trainer

THREAD_KEYS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DEAF_TO = {signal.SIGINT, signal.SIGTERM} | ({signal.SIGHUP} if hasattr(signal, "SIGHUP") else set())
"""These reach the whole foreground group; the parent alone answers them, and tells the workers."""
MASKS = hasattr(signal, "pthread_sigmask")
"""Not on Windows: there a Ctrl-C may end a worker that is just starting."""


def command(module: str, *arguments: str) -> list[str]:
    """Run a module of this package; -P: whatever lies in the working directory is not imported."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(device: str) -> dict[str, str]:
    """The environment of a child on `device`: this package can be found, and on a CPU there is one thread."""
    root = str(Path(trainer.__file__).parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    return {**os.environ, "PYTHONPATH": path} | (dict.fromkeys(THREAD_KEYS, "1") if device == "cpu" else {})


@contextmanager
def deaf() -> Iterator[None]:
    """Children started in here begin with these signals blocked, until they ignore them (`ignore_signals`)."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO) if MASKS else set()
    try:
        yield
    finally:
        if MASKS:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_signals() -> None:
    """In the child: leave the signals to the parent from here on."""
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    if MASKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF_TO)


def tell(reports: int, **message: Any) -> None:
    """What is said of a child among its own reports: in a line of its own, after one that a kill has cut short."""
    with suppress(OSError):
        os.write(reports, f"\n{json.dumps(message)}\n".encode())
