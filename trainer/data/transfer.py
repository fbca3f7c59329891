"""One file from a list of mirrors: time-outs, retries, the next mirror, and bytes that are the published ones."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import logging
import queue
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.data.idx import Damaged, IdxFile, Unreachable

if TYPE_CHECKING:
    from rich.progress import Progress

LARGEST = 64 * 2**20  # bytes; no packed file of these sets comes near, so more is not the file
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long to wait for whom, in seconds, and how often to try."""

    answer: float = 5.0  # for name look-up, connection and the first line of the answer
    stall: float = 10.0  # for the next bytes, once they flow
    slowest: float = 1000.0  # bytes a second on average, after so many seconds; below is as good as stalled
    attempts: int = 3  # per mirror; only after faults that pass, such as 503 or a broken transfer
    pause: float = 0.5  # before the second attempt; twice as much before the third
    lock: float = 600.0  # for another process that downloads the same set


@dataclass(frozen=True)
class Sources:
    """Where the packed files of a set come from: base addresses in the order of trying, and MD5 by packed name."""

    mirrors: tuple[str, ...]
    md5: Mapping[str, str]
    patience: Patience = field(default_factory=Patience)


class _Refusal(Exception):
    def __init__(self, reason: str, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing  # may be over in a moment


def obtain(file: IdxFile, mirrors: list[str], sources: Sources, progress: Progress) -> tuple[bytes, str]:
    """The unpacked bytes of `file` from the first of `mirrors` that gives the right ones, and that mirror."""
    reasons = []
    for mirror in mirrors:
        try:
            return _persist(f"{mirror}{file.name}.gz", file, sources, progress), mirror
        except _Refusal as refusal:
            reasons.append(f"{mirror}{file.name}.gz {refusal}")
    tried = "".join(f"\n  - {reason}" for reason in reasons)
    raise Unreachable(f"{file.name} could not be downloaded. Tried:{tried}")


def _persist(url: str, file: IdxFile, sources: Sources, progress: Progress) -> bytes:
    patience = sources.patience
    for attempt in range(1, patience.attempts + 1):
        try:
            return _unpack(_get(url, patience, progress), file, sources.md5[f"{file.name}.gz"])
        except _Refusal as refusal:
            if not refusal.passing:
                raise
            if attempt == patience.attempts:
                raise _Refusal(f"{refusal} ({attempt} attempts)") from refusal
            log.info("%s %s; trying again", url, refusal)
            time.sleep(patience.pause * attempt)
    raise AssertionError("attempts is at least 1")


def _unpack(packed: bytes, file: IdxFile, md5: str) -> bytes:
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != md5:
        raise _Refusal("sent other bytes than the published ones (MD5)")
    content = gzip.decompress(packed)
    try:
        file.parse(content)
    except Damaged as damage:
        raise _Refusal(f"sent a file that {damage}") from None
    return content


def _get(url: str, patience: Patience, progress: Progress) -> bytes:
    with _answer(url, patience) as response:
        total = _announced(response.headers.get("Content-Length"))
        bar = progress.add_task(url.rsplit("/", 1)[-1], total=total or None)
        content, start = bytearray(), time.monotonic()
        try:
            while chunk := response.read1(2**16):
                content += chunk
                progress.update(bar, advance=len(chunk))
                _check_flow(len(content), time.monotonic() - start, patience)
        except TimeoutError:
            raise _Refusal(f"stalled for {patience.stall:g} s {_after(content, total)}", passing=True) from None
        except (OSError, http.client.HTTPException):
            raise _Refusal(f"broke off {_after(content, total)}", passing=True) from None
        finally:
            progress.stop_task(bar)
    if len(content) < total:
        raise _Refusal(f"broke off {_after(content, total)}", passing=True)
    return bytes(content)


def _announced(length: str | None) -> int:
    """The number of bytes to come; 0 where a mirror says nothing, or nothing sensible."""
    return int(length) if length and re.fullmatch("[0-9]{1,15}", length) else 0


def _check_flow(received: int, seconds: float, patience: Patience) -> None:
    if received > LARGEST:
        raise _Refusal(f"sends more than {LARGEST:,} bytes")
    if seconds > patience.stall and received < patience.slowest * seconds:
        raise _Refusal(f"sent only {received:,} bytes in {seconds:.0f} s")


def _after(content: bytearray, total: int) -> str:
    return f"after {len(content):,} of {total:,} bytes" if total else f"after {len(content):,} bytes"


def _answer(url: str, patience: Patience) -> Any:
    """The open response. In a thread of its own: neither a name look-up nor a host with many dead addresses keeps
    to a time-out, and a main thread that waits here still hears Ctrl-C."""
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "train"})
            box.put(urllib.request.urlopen(request, timeout=patience.stall))
        except Exception as error:
            box.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = box.get(timeout=patience.answer)
    except queue.Empty:
        raise _Refusal("did not answer in time") from None
    if isinstance(answer, Exception):
        raise _refusal(answer) from answer
    return answer


def _refusal(error: Exception) -> _Refusal:
    if isinstance(error, urllib.error.HTTPError):
        return _Refusal(f"answered {error.code} {error.reason}", passing=error.code >= 500 or error.code == 429)
    if isinstance(error, ValueError):
        return _Refusal("is not an address")
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return _Refusal("did not answer in time")
    return _Refusal(f"gave no connection ({getattr(reason, 'strerror', None) or reason})")
