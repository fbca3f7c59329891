"""Which process writes a run, and whether it still lives. No torch, nothing of ours."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def process() -> dict[str, Any]:
    """This process: its number, since which tick of the machine's clock it runs, since which start of the machine, and in which
    space of process numbers (every container has its own). Not on which host: outputs give away no names."""
    return {"pid": os.getpid(), "started": _started(os.getpid()), **_here()}


def is_here(writer: Mapping[str, Any]) -> bool:
    """Whether a process is of this machine and can be seen from here. What older versions did not write down counts as equal."""
    host = writer.get("host", platform.node()) == platform.node()
    seen = isinstance(writer.get("pid"), int) and (host or _boot() is not None)
    return seen and all(writer.get(key, here) == here for key, here in _here().items())


def lives(writer: Mapping[str, Any]) -> bool:
    """Whether a process of this machine is still there, and not another one of the same number."""
    pid = writer.get("pid")
    started = _started(pid) if isinstance(pid, int) else None
    return started is not None and writer.get("started") == started


def _here() -> dict[str, Any]:
    return {"boot": _boot(), "namespace": _namespace()}


@cache
def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


@cache
def _boot() -> str | None:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def _started(pid: int) -> str | None:
    """When a process started, in the kernel's ticks: tells it from a later one of the same number; None where it is gone."""
    if not Path("/proc/self/stat").exists():
        return "unknown" if _answers(pid) else None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
