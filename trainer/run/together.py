"""The files of several runs, written at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 16
"""Runs at a time. Writing files that must not be lost is mostly waiting, and a disk takes many about as fast as one."""

Answer = TypeVar("Answer")


def together(action: Callable[[int], Answer], runs: Iterable[int]) -> list[Answer]:
    """`action` for each of some runs, in threads where they are several; what it returns, in their order. All are tried, then
    the first error is raised."""
    runs = list(runs)
    if len(runs) == 1:
        return [action(runs[0])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(action, runs))
