"""A search over learning rates: which is best, which are no worse, from where runs diverge, and where to search on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from trainer.compare.comparison import Table
from trainer.compare.curves import number
from trainer.compare.groups import group_runs, labels
from trainer.compare.options import Options, direction_of
from trainer.compare.pairing import by_seed
from trainer.compare.rows import choose
from trainer.compare.runs import Run
from trainer.compare.splits import overlap
from trainer.compare.statistics import CONFIDENCE, estimate, paired_difference
from trainer.compare.typed import seeds_word, words_of
from trainer.records import Status

RATE = "optimizer.lr"
FEWEST = 3  # rates that are a search
MOST = 4  # searches beside each other that are told in words


@dataclass(frozen=True)
class Tried:
    """A rate: the metric by seed of the runs that did not diverge, and whether they are worse than those of the best rate by
    more than the seeds' noise."""

    rate: float
    values: tuple[float, ...]
    runs: int
    diverged: int
    is_worse: bool = False

    @property
    def mean(self) -> float | None:
        return estimate(self.values).mean


@dataclass(frozen=True)
class Search:
    """The rates that were tried with one configuration, in rising order. `name` is its label, empty where there is but one;
    `words` and `seeds` are what one types for it beside a rate; `best` is None where every run diverged."""

    name: str
    metric: str
    tried: tuple[Tried, ...]
    best: Tried | None
    words: tuple[str, ...]
    seeds: str

    @property
    def edge(self) -> int:
        """+1 where the best is the largest rate tried, −1 where it is the smallest or all diverged, else 0."""
        if self.best is None or self.best.rate == self.tried[0].rate:
            return -1
        return 1 if self.best.rate == self.tried[-1].rate else 0

    @property
    def as_good(self) -> list[Tried]:
        """The rates around the best, without a gap, that are no worse beyond the seeds' noise."""
        if self.best is None:
            return []
        place = self.tried.index(self.best)
        below = takewhile(_is_as_good, reversed(self.tried[:place]))
        return [*reversed([*below]), self.best, *takewhile(_is_as_good, self.tried[place + 1 :])]

    @property
    def further(self) -> list[float]:
        """Three rates to try next where the best is at an edge, in the grid's own steps: that one, unless it diverged, and
        those beyond."""
        rates = [each.rate for each in self.tried][:: self.edge or 1]
        for _ in range(3 if self.best is None else 2):
            rates.append(float(f"{rates[-1] * rates[-2] / rates[-3]:.3g}"))
        return sorted(rates[-3:])


def _is_as_good(tried: Tried) -> bool:
    return not tried.is_worse and bool(tried.values) and not tried.diverged


def searches(table: Table, options: Options) -> list[Search]:
    """The searches in a table that was not asked to tune; none where there are many, or where runs were pruned: the rates that
    are left are the best by design."""
    if options.tune:
        return []
    runs = [run for row in table.rows for run in row.tried if RATE in run.settings]
    if len({run.settings[RATE] for run in runs}) < FEWEST:
        return []
    families = [family for family in group_runs(runs, None, ignored=(RATE,)) if _is_search(family, options)]
    names = labels(families, None, ignored=(RATE,)) if len(families) > 1 else [""] * len(families)
    found = [_search(name, family, options) for name, family in zip(names, families, strict=True)]
    return found if len(found) <= MOST else []


def _is_search(family: Sequence[Run], options: Options) -> bool:
    rates = {rate for run in family if (rate := number(run, RATE)) is not None and 0 < rate < math.inf}
    numbers = all(number(run, RATE) in rates for run in family)
    judged = all(run.metric(options.selection) is not None for run in family if run.status == Status.COMPLETED)
    return len(rates) >= FEWEST and numbers and judged and not any(run.status == Status.PRUNED for run in family)


def _search(name: str, family: Sequence[Run], options: Options) -> Search:
    metric = options.selection
    best = [run for run in choose(family, replace(options, tune=(RATE,))) if run.status == Status.COMPLETED]
    tried = [_tried(runs, best, metric) for runs in group_runs(family, (RATE,))]
    chosen = next((each for each in tried if best and each.rate == number(best[0], RATE)), None)
    words = words_of(family[0], without=(RATE,))
    return Search(name, metric, tuple(sorted(tried, key=lambda each: each.rate)), chosen, words, seeds_word(family))


def _tried(runs: Sequence[Run], best: Sequence[Run], metric: str) -> Tried:
    """The runs of one rate, held against those of the best."""
    sound = [run for run in runs if run.status == Status.COMPLETED]
    values = tuple(by_seed(sound, metric).values())
    return Tried(
        number(runs[0], RATE) or 0.0, values, len(runs), len(runs) - len(sound), _is_worse(sound, best, metric)
    )


def _is_worse(ours: Sequence[Run], best: Sequence[Run], metric: str) -> bool:
    """Whether a rate is worse than the best by more than the seeds' noise: the 95 % interval of the difference, paired by seed,
    leaves out 0; or every seed says the same. Not corrected for the number of rates: this narrows a search and claims nothing."""
    found = paired_difference(by_seed(ours, metric), by_seed(best, metric), overlap([*ours, *best], metric))
    if found.n < 2 or found.mean is None or direction_of(metric) * found.mean >= 0:
        return False
    return found.p is None or found.p < 1 - CONFIDENCE
