"""How many seeds judge, which, and at what level: known before anything is computed.

Stopping favours the moments at which the spread looks small, so a rule by width is not free: with three seeds at the start a
nominal 5 % becomes 10 %. Ten seeds, batches of five and 3.75 % keep 5 % (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Iterator

FIRST = 1000
"""The first of the seeds that judge; those that choose lie below."""

FIRST_SEEDS = 10
BATCH = 5
STUDY_LEVEL = 0.0375


def schedule(cap: int) -> Iterator[int]:
    """How many seeds have judged at each look: ten, then five more at a time, never more than `cap`."""
    n = min(FIRST_SEEDS, cap)
    yield n
    while n < cap:
        n = min(n + BATCH, cap)
        yield n


def seeds(n: int) -> range:
    """The first n of the seeds that judge."""
    return range(FIRST, FIRST + n)
