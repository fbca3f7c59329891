"""From runs to comparison: groups, tuning, estimates and paired differences; the result is plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainer.compare.finding import find_runs
from trainer.compare.groups import find_group, group_runs, labels, nearest
from trainer.compare.judging import judge_pairs
from trainer.compare.options import Options, check, with_seeds
from trainer.compare.pairing import matched
from trainer.compare.rates import fisher_exact
from trainer.compare.rows import RESULTS, Row, make_row, ranked_last
from trainer.compare.runs import Run, without_repeats
from trainer.compare.splits import with_tied_splits
from trainer.compare.statistics import holm
from trainer.errors import CompareError
from trainer.identity import complete


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
    roots: tuple[Path, ...] = ()


def compare(roots: Iterable[Path], options: Options) -> Comparison:
    """Compares all runs in and below `roots`; raises CompareError where there is nothing to compare."""
    roots = list(roots)
    found, warnings = find_runs(roots)
    found = with_tied_splits(found)
    places = ", ".join(str(root) for root in roots[:3]) + (", …" if len(roots) > 3 else "")
    if not found:
        raise CompareError("\n".join([*warnings, f"No runs below {places}; `train` writes one."]))
    finished = [run for run in found if run.status in RESULTS]
    unfinished = [run for run in found if run.status not in RESULTS]
    counts = dict(Counter(run.status for run in unfinished))
    if not finished:
        raise CompareError(f"No finished run below {places}: {', '.join(f'{n} {s}' for s, n in counts.items())}.")
    runs, repeats = without_repeats(finished)
    if repeats:
        names = ", ".join(str(run.directory) for run in repeats[:3]) + (", …" if len(repeats) > 3 else "")
        warnings.append(f"Some runs repeat a configuration and seed; only the newest is used. Ignored: {names}.")
    check(runs, options)
    options = with_seeds(options, runs)
    every = [ranked_last(run, options) for run in [*runs, *_missing(unfinished, runs)]]
    return Comparison(options, _tables(every, options), counts, warnings, tuple(roots))


def _missing(unfinished: Iterable[Run], runs: Iterable[Run]) -> list[Run]:
    """Unfinished runs whose configuration and seed no other run has finished."""
    done = {(run.identity, run.seed) for run in runs}
    return [run for run in unfinished if (run.identity, run.seed) not in done]


def _tables(runs: list[Run], options: Options) -> list[Table]:
    by_dataset = [
        [group for group in group_runs(part, options.by, options.tune) if any(run.status in RESULTS for run in group)]
        for part in group_runs(runs, ("dataset",))
    ]
    by_dataset = [groups for groups in by_dataset if groups]
    named = [(groups, labels(groups, options.by, options.tune)) for groups in by_dataset]
    places = [find_group(options.baseline, groups, names) if options.baseline else None for groups, names in named]
    if options.baseline and all(place is None for place in places):
        known = [name for _, names in named for name in names]
        ending = nearest(options.baseline, known)
        raise CompareError(f"--baseline {options.baseline}: no such group{ending} Groups: {'; '.join(known)}.")
    return [_table(groups, names, place, options) for (groups, names), place in zip(named, places, strict=True)]


def _table(groups: list[list[Run]], names: list[str], baseline: int | None, options: Options) -> Table:
    """`baseline` is an index in `groups`; None takes the plainest group that has any finished run."""
    rows = [make_row(name, runs, options) for name, runs in zip(names, groups, strict=True)]
    means = (row for row in rows if row.counted)
    base = rows[baseline] if baseline is not None else min(means, key=_fanciness, default=rows[0])
    others = [row for row in rows if row is not base]
    pairs = [matched(row.counted, base.counted, options.metric) for row in others]
    judgements = judge_pairs(pairs, options.metric, options.margin_in_unit)
    lost = holm([_diverged_p(row, base) for row in others])
    compared = [replace(row, judgement=j, diverged_p=p) for row, j, p in zip(others, judgements, lost, strict=True)]
    return Table(groups[0][0].dataset, base.label, sorted([base, *compared], key=lambda row: _rank(row, options)))


def _diverged_p(row: Row, base: Row) -> float | None:
    """Fisher's exact test, where any run diverged on either side."""
    if not row.diverged and not base.diverged:
        return None
    return fisher_exact(len(row.diverged), len(row.everything), len(base.diverged), len(base.everything))


def _fanciness(row: Row) -> int:
    """How many settings differ from the defaults: the plain choice is the natural baseline. Of equals the first is taken."""
    defaults = complete({})
    return sum(key not in defaults or defaults[key] != value for key, value in row.settings.items() if key != "dataset")


def _rank(row: Row, options: Options) -> tuple[bool, float]:
    """By the mean; rows without one come last, by how many of their runs came through."""
    mean = row.estimate.mean
    return mean is None, -float(len(row.runs)) if mean is None else -mean * (options.direction or 1)
