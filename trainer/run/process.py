"""Which process writes a run, and whether it still lives: a dead one's `running` is stale. No torch, nothing of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.records import Status


def process() -> dict[str, Any]:
    """This process, since which tick of the machine's clock it runs, and since which start of the machine."""
    return {"pid": os.getpid(), "started": _started(os.getpid()), "boot": _boot()}


def is_stale(summary: Mapping[str, Any]) -> bool:
    """Whether a summary says `running` though its process is gone, or the machine was started anew since."""
    if summary.get("status") != Status.RUNNING:
        return False
    writer = summary.get("process")
    if not isinstance(writer, Mapping) or not isinstance(writer.get("pid"), int):
        return True
    return writer.get("boot") != _boot() or writer.get("started") != _started(writer["pid"])


def status_of(summary: Mapping[str, Any]) -> str:
    """How a run stands in truth: its status, or `interrupted` where its process ended without a word."""
    return Status.INTERRUPTED if is_stale(summary) else str(summary["status"])


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
