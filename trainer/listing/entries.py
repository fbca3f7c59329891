"""A row of the list: a run by itself, or a sweep with all of its runs, and what there is to say about it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from trainer.compare.clocks import clock_of
from trainer.compare.finding import Found
from trainer.compare.runs import Run
from trainer.identity import changes
from trainer.records import Status


@dataclass(frozen=True)
class Entry:
    """Runs that share a row: one, or those of a sweep, in the order of its command; `waiting` of its cells have no run yet."""

    directory: Path
    runs: list[Run] = field(default_factory=list)
    waiting: int = 0
    is_sweep: bool = False

    @cached_property
    def last_written(self) -> float:
        """When the youngest run ended, or was heard of last, in seconds since 1970."""
        return max(map(ended, self.runs))

    @cached_property
    def statuses(self) -> Counter[str]:
        """How many runs stand how, those that never began included."""
        return Counter(run.status for run in self.runs) + Counter({Status.WAITING: self.waiting})

    @cached_property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(run.dataset for run in self.runs))

    @cached_property
    def settings(self) -> dict[str, list[Hashable]]:
        """The keys that are not at their defaults in all runs, the seed last, each with its values in the order met."""
        changed = {key for run in self.runs for key in changes(run.config)} - {"dataset"}
        every = dict.fromkeys(key for run in self.runs for key in run.config)
        wanted = sorted((key for key in every if key in changed), key=lambda key: key == "seed")
        return {key: list(dict.fromkeys(r.config[key] for r in self.runs if key in r.config)) for key in wanted}

    def values(self, metric: str) -> list[float]:
        """A metric's last values, of the runs that have one."""
        return [value for run in self.runs if (value := run.metric(metric)) is not None]

    @cached_property
    def seconds(self) -> float | None:
        """Seconds of training; runs that were trained together share one clock, which counts once."""
        clocks: dict[str, float] = {}
        for run in self.runs:
            if (seconds := run.metric("train_seconds")) is not None:
                clocks[clock_of(run)] = max(seconds, clocks.get(clock_of(run), 0.0))
        return math.fsum(clocks.values()) if clocks else None


def ended(run: Run) -> float:
    """When a run wrote its summary last. A copy of a directory is younger than the run; the summary itself knows better."""
    clock: Any = run.summary.get("clock")
    moment = clock.get("ended") if isinstance(clock, dict) else None
    return float(moment) if isinstance(moment, int | float) and 0 < moment < 1e11 else run.written


def entries(found: Found, runs: Sequence[Run], roots: Sequence[Path], apart: bool) -> list[Entry]:
    """A row for each of `runs`, or for each sweep where they are not wanted `apart`; a sweep that is a root itself is opened.

    Cells that never began are counted where all runs are listed: they are none of those that were asked for by a condition.
    """
    together: dict[Path, list[Run]] = {}
    for run in runs:
        sweep = None if apart else sweep_of(run, found)
        together.setdefault(run.directory if sweep is None or sweep in roots else sweep, []).append(run)
    begun = Counter(run.directory.parent for run in found.runs)
    whole = len(runs) == len(found.runs)
    return [
        Entry(place, members)
        if members[0].directory == place
        else Entry(place, members, len(found.sweeps[place]) - begun[place] if whole else 0, is_sweep=True)
        for place, members in together.items()
    ]


def sweep_of(run: Run, found: Found) -> Path | None:
    """The directory of the sweep that a run is a cell of."""
    folder = run.directory.parent
    return folder if run.directory.name in found.sweeps.get(folder, {}) else None
