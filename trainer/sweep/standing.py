"""How each configuration of a sweep stands while it runs: its runs with different seeds are one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from trainer.records import Status
from trainer.sweep.cells import Cell
from trainer.sweep.results import varying

LOST = (Status.DIVERGED, Status.PRUNED, Status.FAILED)
MOST = 12  # rows that are shown


@dataclass(frozen=True)
class Standing:
    """A configuration: how many of its runs have ended, the valid/accuracy of those that are complete, and how others ended."""

    name: str
    cells: int
    ended: int
    accuracies: tuple[float, ...]
    lost: Mapping[str, int]

    @property
    def mean(self) -> float | None:
        """The mean so far."""
        return fmean(self.accuracies) if self.accuracies else None


def configurations(cells: Sequence[Cell]) -> dict[str, list[int]]:
    """The numbers of the cells that differ in nothing but the seed, by what sets them apart from the others, in order."""
    named: dict[str, list[int]] = {}
    for number, words in enumerate(varying(cells)):
        name = " ".join(f"{key}={value}" for key, value in words.items() if key != "seed" and value is not None)
        named.setdefault(name or "all runs", []).append(number)
    return named


def standings(named: Mapping[str, Sequence[int]], summaries: Mapping[int, Mapping[str, Any]]) -> list[Standing]:
    """Where many configurations are, those with the best means so far; in the order of the command."""
    every = [_standing(name, cells, summaries) for name, cells in named.items()]
    ranked = sorted(every, key=lambda each: -1.0 if each.mean is None else each.mean, reverse=True)
    shown = {each.name for each in ranked[:MOST]}
    return [each for each in every if each.name in shown]


def _standing(name: str, cells: Sequence[int], summaries: Mapping[int, Mapping[str, Any]]) -> Standing:
    ended = [summaries[cell] for cell in cells if cell in summaries]
    values = (summary.get("valid/accuracy") for summary in ended if summary["status"] == Status.COMPLETED)
    lost = Counter(summary["status"] for summary in ended if summary["status"] in LOST)
    return Standing(name, len(cells), len(ended), tuple(value for value in values if value is not None), lost)
