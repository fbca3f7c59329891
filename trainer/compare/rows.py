"""One row of a comparison: the runs of a group, which of them count, the setting that was chosen, and their mean."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.compare.clocks import clock_estimate, is_clocked
from trainer.compare.groups import group_runs
from trainer.compare.judging import Judgement
from trainer.compare.options import LAST, Options, bounds_of, direction_of
from trainer.compare.pairing import by_seed
from trainer.compare.rates import bounded
from trainer.compare.runs import Run
from trainer.compare.splits import overlap
from trainer.compare.statistics import Estimate, estimate
from trainer.compare.times import Target, way_to_target
from trainer.errors import CompareError
from trainer.records import Status

RESULTS = (Status.COMPLETED, Status.DIVERGED, Status.PRUNED)
"""The statuses of runs that need no more work."""


@dataclass(frozen=True)
class Row:
    """One group. `counted`: the runs that its mean is over; none where some were `pruned`, for those left are the best.
    `tried`: all runs of the settings it was chosen from; `settings`: those of the chosen one; `unfinished`: of the same
    setting, without a result. `diverged_p`: Fisher's exact test of the diverged runs against the baseline's, Holm's."""

    label: str
    runs: list[Run]
    diverged: list[Run]
    pruned: list[Run]
    unfinished: list[Run]
    counted: list[Run]
    tried: list[Run]
    settings: Mapping[str, Hashable]
    estimate: Estimate
    best: Run | None
    target: Target
    judgement: Judgement | None = None
    diverged_p: float | None = None

    @property
    def everything(self) -> list[Run]:
        return self.runs + self.diverged + self.pruned

    @property
    def settings_tried(self) -> int:
        return len({run.identity for run in self.tried})

    def seeds(self, metric: str) -> tuple[int, int]:
        """Of how many seeds the metric counts, and how many there are, whatever became of their runs."""
        every = {run.seed for run in (*self.everything, *self.unfinished)}
        return len(by_seed(self.counted, metric)), len(every)


def make_row(label: str, group: Sequence[Run], options: Options) -> Row:
    """The row of a group of runs of any status; raises CompareError where there is nothing to choose its setting by."""
    tried = [run for run in group if run.status in RESULTS and _chooses(run, options)]
    if not tried:
        raise CompareError(
            f"{label} has no run with the seeds {_listed(options)}, so its setting can't be chosen by them."
        )
    settings = (choose(tried, options) if options.tune else tried)[0].settings
    chosen = [run for run in group if _is_judged(run, settings, options)]
    by_status = {status: [run for run in chosen if run.status == status] for status in RESULTS}
    runs, diverged, pruned = by_status.values()
    unfinished = [run for run in chosen if run.status not in RESULTS]
    counted = [] if pruned else counts(by_status, options)
    return Row(
        label, runs, diverged, pruned, unfinished, counted, tried, settings, _mean(counted, options.metric),
        _best(runs, options), way_to_target(runs, diverged, pruned),
    )  # fmt: skip


def _listed(options: Options) -> str:
    return ", ".join(map(str, options.choosing_seeds))


def counts(by_status: Mapping[Status, list[Run]], options: Options) -> list[Run]:
    """Completed runs; diverged ones too where they are ranked last."""
    return by_status[Status.COMPLETED] + (by_status[Status.DIVERGED] if options.diverged == LAST else [])


def _chooses(run: Run, options: Options) -> bool:
    return not options.choosing_seeds or run.seed in options.choosing_seeds


def _is_judged(run: Run, settings: Mapping[str, Hashable], options: Options) -> bool:
    chosen = all(run.settings.get(key) == settings.get(key) for key in options.tune)
    return chosen and run.seed not in options.choosing_seeds


def _mean(runs: Sequence[Run], metric: str) -> Estimate:
    if is_clocked(metric):
        return bounded(clock_estimate(runs, metric), *bounds_of(metric))
    return bounded(estimate(list(by_seed(runs, metric).values()), overlap(runs, metric)), *bounds_of(metric))


def _best(runs: Sequence[Run], options: Options) -> Run | None:
    values = [(value, run) for run in runs if (value := run.metric(options.metric)) is not None]
    return max(values, key=lambda pair: pair[0] * (options.direction or 1), default=(None, None))[1]


def choose(runs: Sequence[Run], options: Options) -> list[Run]:
    """The runs of the tuned setting with the best mean over seeds. One with diverged or pruned runs loses to any without,
    unless diverged runs are ranked last and so are in the mean."""

    def score(setting: list[Run]) -> tuple[float, float]:
        by_status = {status: [run for run in setting if run.status == status] for status in RESULTS}
        counted = counts(by_status, options)
        mean = estimate(list(by_seed(counted, options.selection).values())).mean
        worst = math.inf if mean is None else -mean * (direction_of(options.selection) or 1)
        return 1 - len(counted) / len(setting), worst

    return min(group_runs(runs, options.tune), key=score)


def ranked_last(run: Run, options: Options) -> Run:
    """A diverged run as one that gets nothing right, where that is asked for; others as they are."""
    if options.diverged != LAST or run.status != Status.DIVERGED:
        return run
    return replace(run, summary=run.summary | dict.fromkeys((options.metric, options.selection), 0.0))
