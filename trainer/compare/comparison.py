"""From runs to comparison: groups, tuning, estimates and paired differences; the result is plain data."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from trainer.compare.finding import find_runs
from trainer.compare.groups import Keys, find_group, group_runs, labels, nearest
from trainer.compare.judging import Judgement, judge_pairs
from trainer.compare.options import Options, check, direction_of
from trainer.compare.pairing import by_seed, matched
from trainer.compare.runs import Run, without_repeats
from trainer.compare.statistics import Estimate, estimate
from trainer.errors import CompareError
from trainer.identity import complete
from trainer.records import Status

Seed = Hashable


@dataclass(frozen=True)
class Target:
    """When the target accuracy was reached: by how many runs, and the medians over those (None: by none)."""

    runs: int
    reached: int
    steps: float | None
    samples: float | None
    seconds: float | None


@dataclass(frozen=True)
class Row:
    """One group. `runs` finished, `diverged` did not; `tried` holds all runs of the settings it was chosen from."""

    label: str
    runs: list[Run]
    diverged: list[Run]
    tried: list[Run]
    estimate: Estimate
    best: Run | None
    target: Target
    judgement: Judgement | None = None

    @property
    def everything(self) -> list[Run]:
        return self.runs + self.diverged

    @property
    def settings_tried(self) -> int:
        return len({run.identity for run in self.tried})


@dataclass(frozen=True)
class Table:
    """The rows of one data set, best first; `baseline` is the label of the row the others are compared with."""

    dataset: str
    baseline: str
    rows: list[Row]

    @property
    def comparisons(self) -> int:
        return sum(row.judgement is not None and row.judgement.graded.seeds_p is not None for row in self.rows)


@dataclass(frozen=True)
class Comparison:
    """One table a data set; `unfinished` counts left-out runs by status; `warnings` tells what else was left out."""

    options: Options
    tables: list[Table]
    unfinished: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def compare(roots: Iterable[Path], options: Options) -> Comparison:
    """Compares all runs in and below `roots`; raises CompareError where there is nothing to compare."""
    roots = list(roots)
    found, warnings = find_runs(roots)
    places = ", ".join(str(root) for root in roots[:3]) + (", …" if len(roots) > 3 else "")
    if not found:
        raise CompareError("\n".join([*warnings, f"No runs below {places}; `train` writes one."]))
    finished = [run for run in found if run.status in (Status.COMPLETED, Status.DIVERGED)]
    unfinished = _counts(run.status for run in found if run.status not in (Status.COMPLETED, Status.DIVERGED))
    if not finished:
        raise CompareError(f"No finished run below {places}: {', '.join(f'{n} {s}' for s, n in unfinished.items())}.")
    runs, repeats = without_repeats(finished)
    if repeats:
        names = ", ".join(str(run.directory) for run in repeats[:3]) + (", …" if len(repeats) > 3 else "")
        warnings.append(f"Repeated with the same configuration and seed, the newest counts; left out: {names}.")
    check(runs, options)
    return Comparison(options, _tables(runs, options), unfinished, warnings)


def _counts(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def _tables(runs: list[Run], options: Options) -> list[Table]:
    by_dataset = [group_runs(part, options.by, options.tune) for part in group_runs(runs, ("dataset",))]
    named = [(groups, labels(groups, options.by, options.tune)) for groups in by_dataset]
    places = [find_group(options.baseline, groups, names) if options.baseline else None for groups, names in named]
    if options.baseline and all(place is None for place in places):
        known = [name for _, names in named for name in names]
        ending = nearest(options.baseline, known)
        raise CompareError(f"--baseline {options.baseline}: no such group{ending} Groups: {'; '.join(known)}.")
    return [_table(groups, names, place, options) for (groups, names), place in zip(named, places, strict=True)]


def _table(groups: list[list[Run]], names: list[str], baseline: int | None, options: Options) -> Table:
    """`baseline` is an index in `groups`; None takes the plainest group that has any finished run."""
    rows = [_row(name, runs, options) for name, runs in zip(names, groups, strict=True)]
    base = (
        rows[baseline]
        if baseline is not None
        else min((row for row in rows if row.runs), key=_fanciness, default=rows[0])
    )
    others = [row for row in rows if row is not base]
    pairs = [matched(row.runs, base.runs, options.metric) for row in others]
    judgements = judge_pairs(pairs, options.metric, options.margin_in_unit)
    compared = [replace(row, judgement=judgement) for row, judgement in zip(others, judgements, strict=True)]
    return Table(groups[0][0].dataset, base.label, sorted([base, *compared], key=lambda row: _rank(row, options)))


def _fanciness(row: Row) -> int:
    """How many settings differ from the defaults: the plain choice is the natural baseline. Of equals the first is taken."""
    defaults = complete({})
    return sum(
        key not in defaults or defaults[key] != value for key, value in row.runs[0].settings.items() if key != "dataset"
    )


def _rank(row: Row, options: Options) -> tuple[bool, float]:
    mean = row.estimate.mean
    return mean is None, 0.0 if mean is None else -mean * (options.direction or 1)


def _row(label: str, tried: list[Run], options: Options) -> Row:
    chosen = choose(tried, options.tune, options.selection) if options.tune else tried
    runs = [run for run in chosen if run.status == Status.COMPLETED]
    diverged = [run for run in chosen if run.status == Status.DIVERGED]
    values = [(value, run) for run in runs if (value := run.metric(options.metric)) is not None]
    best = max(values, key=lambda pair: pair[0] * (options.direction or 1), default=(None, None))[1]
    sample = list(by_seed(runs, options.metric).values())
    return Row(label, runs, diverged, tried, estimate(sample), best, _target(runs, diverged))


def choose(runs: list[Run], keys: Keys, metric: str) -> list[Run]:
    """The runs of the setting of `keys` with the best mean over seeds; one with diverged runs loses to any without."""

    def score(setting: list[Run]) -> tuple[float, float]:
        mean = estimate(list(by_seed((run for run in setting if run.status == Status.COMPLETED), metric).values())).mean
        diverged = sum(run.status == Status.DIVERGED for run in setting) / len(setting)
        return diverged, math.inf if mean is None else -mean * (direction_of(metric) or 1)

    return min(group_runs(runs, keys), key=score)


def _target(runs: list[Run], diverged: list[Run]) -> Target:
    """A diverged run counts as one that never got there, even where it passed the target on its way."""
    reached = [run for run in runs if run.metric("steps_to_target") is not None]

    def median(name: str) -> float | None:
        values = [value for run in reached if (value := run.metric(name)) is not None]
        return float(np.median(values)) if values else None

    medians = (median(f"{unit}_to_target") for unit in ("steps", "samples", "seconds"))
    return Target(len(runs) + len(diverged), len(reached), *medians)
