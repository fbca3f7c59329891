"""Who may write in a directory: a lease, a small file that its holder renews, so that no two processes train in the same place.

On this machine a holder is asked after by its process. On any other it counts as gone when its file has not been renewed for
`EXPIRES` seconds: after a crash there, or a network that fell apart. A holder that was cut off or asleep so long finds out before
it writes anything (`check`), and leaves. The clocks of the machines must agree to within some seconds, as those of clusters do.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from trainer.errors import ConfigError
from trainer.records import Status
from trainer.report.reading import read_json
from trainer.run.process import is_here, lives, process

LEASE = ".lease"
BEAT = 10.0  # seconds between two renewals
EXPIRES = 60.0  # seconds without one after which a holder on another machine is gone


class Taken(ConfigError):
    """A directory in which another process trains: its holder, or the `writer` of its summary."""

    def __init__(self, directory: Path, writer: Mapping[str, Any]):
        super().__init__(f"{directory} is being trained right now by {_name(holder(directory) or writer)}.")


class LeaseLost(Exception):
    """This process was cut off for so long that another one may write in its place now."""


def holder(directory: Path) -> Mapping[str, Any] | None:
    """Who holds a directory: `process()`, `host`, `since` and `id`, or nothing known of it; None where nobody does any more."""
    path = directory / LEASE
    try:
        age = time.time() - path.stat().st_mtime
        writer = _read(path)
    except OSError:
        return None
    alive = lives(writer) if is_here(writer) else age < EXPIRES
    return writer if alive else None


def is_stale(summary: Mapping[str, Any], directory: Path) -> bool:
    """Whether the summary in a run's directory says `running` though nobody trains there any more."""
    if summary.get("status") != Status.RUNNING:
        return False
    writer = summary.get("process")
    if not isinstance(writer, Mapping) or not isinstance(writer.get("pid"), int):
        return True
    return not lives(writer) if is_here(writer) else holder(directory) is None


def status_of(summary: Mapping[str, Any], directory: Path) -> str:
    """How a run stands in truth: its status, or `interrupted` where its process ended without a word."""
    return Status.INTERRUPTED if is_stale(summary, directory) else str(summary["status"])


class Lease:
    """Some directories, held together by this process and renewed by one thread. Raises Taken, and OSError."""

    def __init__(self, directories: Iterable[Path]):
        self.writer = {
            **process(),
            "host": platform.node(),
            "since": f"{datetime.now():%Y-%m-%dT%H:%M:%S}",
            "id": uuid4().hex,
        }
        self.content = json.dumps(self.writer).encode()
        self.directories: list[Path] = []
        self.lost = False
        self.over = threading.Event()
        try:
            for directory in sorted(directories):  # in one order for everybody, so that no two wait for each other
                self.directories.append(directory)
                self._claim(directory)
        except BaseException:
            self.release()
            raise
        self.renewed = time.time()
        threading.Thread(target=self._beat, daemon=True).start()

    def _claim(self, directory: Path) -> None:
        if self._create(directory):
            return
        from filelock import FileLock  # only here: `compare` asks after holders too, and does without

        with FileLock(directory / ".lock"):  # one at a time takes away what somebody left who is gone
            writer = holder(directory)
            if writer is None:
                (directory / LEASE).unlink(missing_ok=True)
            if writer is not None or not self._create(directory):
                raise Taken(directory, writer or {})

    def _create(self, directory: Path) -> bool:
        try:
            file = os.open(directory / LEASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        try:
            os.write(file, self.content)
        finally:
            os.close(file)
        return True

    def _beat(self) -> None:
        while not self.over.wait(BEAT):
            with suppress(OSError, LeaseLost):
                self._renew()

    def _renew(self) -> None:
        now = time.time()
        for directory in self.directories:
            self.lost = self.lost or not self._is_ours(directory)
            if self.lost:
                raise LeaseLost(f"{directory} was taken over by another process while this one was cut off")
            os.utime(directory / LEASE)
        self.renewed = now

    def _is_ours(self, directory: Path) -> bool:
        """Whether no other process has come; one that has gone again took the lease with it. OSError without a directory."""
        try:
            return bool(_read(directory / LEASE).get("id") == self.writer["id"])
        except FileNotFoundError:
            directory.stat()
            return False

    def check(self) -> None:
        """Asked before anything is written. Raises LeaseLost, or OSError where the disk does not answer."""
        # Not time.monotonic: that clock stops while a machine sleeps.
        if self.lost or time.time() - self.renewed > EXPIRES / 2:
            self._renew()

    def release(self) -> None:
        """Let go of what is still held."""
        self.over.set()
        for directory in self.directories:
            with suppress(OSError):
                if self._is_ours(directory):
                    (directory / LEASE).unlink()


@contextmanager
def alone(*directories: Path) -> Iterator[Lease]:
    """Hold the directories of runs or of a sweep, which are made, so that no second process trains there. Raises ConfigError."""
    try:
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        lease = Lease(directories)
    except OSError as error:
        raise ConfigError(f"{directories[0]} can't be written: {error.strerror or error}.") from None
    try:
        yield lease
    finally:
        lease.release()


def _read(path: Path) -> Mapping[str, Any]:
    """What a lease says; nothing where it is just being written, or something else. Raises OSError."""
    try:
        content = read_json(path)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _name(writer: Mapping[str, Any]) -> str:
    if not isinstance(writer.get("pid"), int):
        return "another process"
    return f"process {writer['pid']}" + ("" if is_here(writer) else f" on {str(writer.get('host'))[:64]}")
