"""The files of several runs, written at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 3
"""Runs at a time: so much is waiting for the disk. More wait less where it is slow, but where it is quick their threads wait for
each other."""

Answer = TypeVar("Answer")


def together(action: Callable[[int], Answer], runs: Iterable[int]) -> list[Answer]:
    """`action` for each of some runs, in threads where they are several; what it returns, in their order. All are tried, then
    the first error is raised."""
    runs = list(runs)
    if len(runs) < 2:
        return list(map(action, runs))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(action, runs))
