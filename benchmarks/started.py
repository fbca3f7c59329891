"""The command in a session of its own, on a terminal of its own that can be closed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLOSED = "closed terminal"


class Started:
    """`train words…` in a session of its own, on a terminal of its own whose screen nobody reads."""

    def __init__(self, place: Path, words: tuple[str, ...]):
        self.terminal, slave = pty.openpty()
        self.closing = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), *words],
            cwd=place,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=slave,
            stdout=slave,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while not self.closing.is_set():
                if select.select([self.terminal], [], [], 0.05)[0]:
                    os.read(self.terminal, 1 << 16)

    def close(self) -> None:
        """Close the terminal, as a window is closed."""
        if not self.closing.is_set():
            self.closing.set()
            self.reader.join()
            os.close(self.terminal)

    def end(self, way: str) -> None:
        self.close() if way == CLOSED else self.process.send_signal(signal.Signals[way])

    def wait(self, seconds: float = 600) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        errors = self.process.communicate(timeout=seconds)[1]
        self.close()
        return self.process.returncode, errors
