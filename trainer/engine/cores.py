"""How many CPU cores there are. Alone, because the parent of a sweep asks too, and does without torch."""

from __future__ import annotations

import os


def cores() -> int:
    """The CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
