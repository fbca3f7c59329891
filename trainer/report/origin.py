"""What decides the last bits of a run's numbers beside its configuration: versions, the kind of processor, the device."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def processor() -> str:
    """The name of this machine's processor where Linux tells it, elsewhere its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def origin(summary: Mapping[str, Any]) -> dict[str, str]:
    """Where a run's numbers come from, as far as its summary tells: those of older versions do not name a processor."""
    told = summary.get("versions")
    facts = {
        "PyTorch": told.get("torch") if isinstance(told, Mapping) else None,
        "processor": summary.get("processor"),
        "device": str(summary.get("device") or "").partition(":")[0],
    }
    return {name: str(value) for name, value in facts.items() if value}


def differences(origins: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """What the origins do not have in common, each with its values in the order met."""
    values: dict[str, dict[str, None]] = {}
    for each in origins:
        for name, value in each.items():
            values.setdefault(name, {})[value] = None
    return {name: list(several) for name, several in values.items() if len(several) > 1}
