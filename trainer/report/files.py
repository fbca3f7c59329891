"""A run's plain files: written whole or not at all, or line by line, so that each parses at any moment."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

import yaml

from trainer.records import Record

METRICS, SUMMARY, CONFIG, LOG = "metrics.jsonl", "summary.json", "config.yaml", "train.log"
CHECKPOINT = "checkpoint.pt"
STUDY = "study.json"
YamlDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml takes a tenth of the time


def nothing() -> None:
    """No check."""


def write_whole(path: Path, content: bytes, check: Callable[[], None] = nothing) -> None:
    """Replace `path` by `content` so that a kill or a full disk leaves the old file or the new one, never a part.

    `check` is asked when all is on the disk and nothing replaced yet, and may raise. Raises OSError where the disk refuses; no
    partial file stays behind then.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        with open(partial, "xb") as file:  # a new file, never one that a link points to
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        check()
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def clear_partials(directory: Path) -> None:
    """Take away what processes left that were killed while they replaced a file."""
    for partial in directory.glob(".*.partial"):
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any, check: Callable[[], None] = nothing) -> None:
    """Replace `path` by strict JSON: what is not finite becomes null. `check` as above."""
    write_whole(path, (json.dumps(plain(value), indent=2, allow_nan=False) + "\n").encode(), check)


def write_yaml(path: Path, value: dict[str, Any]) -> None:
    """Replace `path` by YAML, keys in their given order."""
    text: str = yaml.dump(value, Dumper=YamlDumper, sort_keys=False, allow_unicode=True)
    write_whole(path, text.encode())


def plain(value: Any) -> Any:
    """`value` with every NaN and infinity as None, which strict JSON can hold."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class MetricsFile:
    """metrics.jsonl: one JSON object a record, flushed as it comes; begins with the `rows` of an earlier session."""

    def __init__(self, directory: Path, rows: Iterable[dict[str, Any]] = ()):
        path = directory / METRICS
        if earlier := b"".join(self._line(row) for row in rows):
            write_whole(path, earlier)
        else:
            path.unlink(missing_ok=True)  # a new file, never one that a link points to
        self.file = open(path, "ab", buffering=0)

    @staticmethod
    def _line(row: dict[str, Any]) -> bytes:
        return (json.dumps(plain(row), allow_nan=False) + "\n").encode()

    def record(self, record: Record) -> None:
        """Append the record, whole or not at all (OSError); a kill can cut only the last line."""
        start, rest = self.file.tell(), self._line(as_row(record))
        try:
            while rest:
                rest = rest[self.file.write(rest) :]  # a disk that is nearly full takes a part and says so
        except OSError:
            self.file.truncate(start)
            raise

    def sync(self) -> None:
        """Have the disk keep what was recorded, before a checkpoint that counts on it."""
        os.fsync(self.file.fileno())

    def close(self) -> None:
        self.file.close()


def as_row(record: Record) -> dict[str, Any]:
    """A record as a line of metrics.jsonl."""
    return {"epoch": record.epoch, "step": record.step, "seconds": record.seconds, **record.metrics}


def open_log(directory: Path) -> TextIO:
    """train.log, to be continued. Raises OSError, also where it is a link or a pipe: a directory may come from a stranger, and
    nothing is appended to a file somewhere else, nor waited for."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    file = open(os.open(directory / LOG, flags, 0o666), "a", encoding="utf-8", buffering=1)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file")
    return file


class LogFile:
    """train.log: what happened and when, with the traceback of a crash."""

    def __init__(self, directory: Path):
        self.file = open_log(directory)

    def write(self, text: str) -> None:
        self.file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def record(self, record: Record) -> None:
        shown = ", ".join(f"{name} {value:.6g}" for name, value in record.metrics.items() if name.count("/") < 2)
        self.write(f"epoch {record.epoch} step {record.step} {record.status}: {shown}")

    def crash(self, error: BaseException) -> None:
        self.write("crashed\n" + "".join(traceback.format_exception(error)).rstrip())

    def close(self) -> None:
        self.file.close()
