"""How a sweep stands, in numbers: what its view shows."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

ENOUGH = 0.05  # of the work, from which the pace is taken for that of the rest


@dataclass
class Progress:
    """Counts of a sweep: `statuses` of the cells that have ended by the cell's number, `shares` done of the stacks at work;
    `first`: the time of the first sign of progress, and the share that was done then."""

    cells: int
    stacks: int
    cost: float
    skipped: int = 0
    running: int = 0
    statuses: dict[int, str] = field(default_factory=dict)
    best: tuple[float, str] | None = None
    stacks_done: int = 0
    cost_done: float = 0.0
    shares: dict[int, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    first: tuple[float, float] | None = None

    def count(self) -> Counter[str]:
        """How many cells ended in each way."""
        return Counter(self.statuses.values())

    def better(self, accuracy: float | None, name: str) -> None:
        """Keep the best valid/accuracy of all cells and whose it is."""
        if accuracy is not None and (self.best is None or accuracy > self.best[0]):
            self.best = accuracy, name

    def divide(self, worker: int, cells: int, stacks: int) -> None:
        """A stack of so many cells is no more, and will be tried again as so many stacks."""
        self.shares.pop(worker, None)
        self.running -= cells
        self.stacks += stacks - 1

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def share(self) -> float:
        """The part of the work that is done, 0 to 1."""
        return min(1.0, (self.cost_done + sum(self.shares.values())) / self.cost) if self.cost else 1.0

    def left(self) -> float | None:
        """Seconds until the end at the pace since the first sign of progress, before which workers were starting; None until
        enough has been done for that to be right."""
        share, now = self.share(), time.monotonic()
        if self.first is None and share > 0:
            self.first = now, share
        since, before = self.first or (now, share)
        done = share - before
        return (now - since) * (1 - share) / done if done >= ENOUGH else None

    def rate(self) -> float:
        """Runs ended a second."""
        return (len(self.statuses) - self.skipped) / max(self.seconds(), 1e-9)
