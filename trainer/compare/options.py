"""What is compared, and whether the runs at hand can answer it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from trainer.compare.groups import Keys, check_keys, nearest
from trainer.compare.runs import Run
from trainer.errors import CompareError
from trainer.records import Status

APART, LAST = "apart", "last"
"""What becomes of diverged runs: counted in a column of their own, or as getting nothing right."""

PICTURES = (".png", ".svg", ".pdf")
"""How the name of a picture may end."""


@dataclass(frozen=True)
class Options:
    """What is compared: `metric` of the summaries; rows by `by` (None: by whole configuration); `tune`: keys whose
    best setting stands for its row; `baseline`: the label of the group that others are compared with; `margin`: the
    difference that does not matter, in points for accuracies (None: by the number of images); `choose_seeds`: the seeds
    that settings are chosen by, or how many of the first, the others judge; `diverged`: `apart` or `last`; `effects`:
    of a factorial sweep, too."""

    metric: str = "valid/accuracy"
    by: Keys | None = None
    tune: Keys = ()
    baseline: str | None = None
    margin: float | None = None
    choose_seeds: int | tuple[int, ...] | None = None
    diverged: str = APART
    effects: bool = False

    @property
    def choosing_seeds(self) -> tuple[int, ...]:
        """The seeds that settings are chosen by; empty where all choose and all judge."""
        return self.choose_seeds if isinstance(self.choose_seeds, tuple) else ()

    @property
    def margin_in_unit(self) -> float | None:
        """The difference that does not matter in the metric's own unit: accuracies are given in points."""
        return self.margin / 100 if self.margin is not None and self.metric.endswith("accuracy") else self.margin

    @property
    def direction(self) -> int:
        """+1: higher is better, −1: lower is better, 0: neither (a norm, a fraction)."""
        return direction_of(self.metric)

    @property
    def selection(self) -> str:
        """The metric that settings are chosen by: on validation data, whatever is compared afterwards."""
        if self.metric.removeprefix("best/").startswith("valid/"):
            return self.metric
        return "valid/loss" if self.metric.endswith("/loss") else "valid/accuracy"


def direction_of(metric: str) -> int:
    if metric.endswith("accuracy") or metric == "samples_per_second":
        return 1
    return -1 if metric.endswith(("loss", "seconds", "steps", "_to_target")) else 0


def bounds_of(metric: str) -> tuple[float, float]:
    """Between which values a metric's mean can lie."""
    if metric.endswith(("accuracy", "_fraction")):
        return 0.0, 1.0
    counted = metric.endswith(("loss", "seconds", "steps", "_to_target", "per_second"))
    return (0.0 if counted else -math.inf), math.inf


def check(runs: Sequence[Run], options: Options) -> None:
    """Raises CompareError where the options do not fit the finished runs."""
    check_keys("--by", options.by or (), runs)
    check_keys("--tune", options.tune, runs)
    if both := set(options.by or ()) & set(options.tune):
        raise CompareError(f"{', '.join(sorted(both))} is in --tune and in --by; a row's own key cannot be tuned.")
    if options.choose_seeds is not None and not options.tune:
        raise CompareError("--choose-seeds needs --tune KEY: without it no setting is chosen.")
    if options.diverged == LAST and not options.metric.endswith("accuracy"):
        raise CompareError(f"--diverged last counts diverged runs as 0 % right, which {options.metric} can't express.")
    completed = [run for run in runs if run.status == Status.COMPLETED]
    for name in (options.metric, options.selection) if options.tune else (options.metric,):
        if completed and all(run.metric(name) is None for run in completed):
            known = {key: None for run in completed for key in run.summary if run.metric(key) is not None}
            raise CompareError(_no_metric(name, known, tuned=name != options.metric))


def with_seeds(options: Options, runs: Sequence[Run]) -> Options:
    """The options with the seeds that choose listed; raises CompareError where no runs choose, or none are left to judge."""
    if options.choose_seeds is None:
        return options
    there = sorted({run.seed for run in runs})
    wanted = options.choose_seeds
    chosen = tuple(there[:wanted]) if isinstance(wanted, int) else wanted
    if not set(chosen) & set(there):
        raise CompareError(f"--choose-seeds: no run has one of these seeds. There are: {', '.join(map(str, there))}.")
    if not set(there) - set(chosen):
        raise CompareError(f"--choose-seeds: these are all the seeds there are ({len(there)}), none is left to judge.")
    return replace(options, choose_seeds=chosen)


def _no_metric(name: str, known: Iterable[str], tuned: bool) -> str:
    if tuned:
        return f"Settings are chosen by {name}, and no finished run has it: run again with dataset.validation above 0."
    if name == "valid/accuracy":
        return (
            "No finished run has valid/accuracy (was dataset.validation=0?); "
            "type --metric test/accuracy to compare on test data."
        )
    return f"No finished run has the metric {name}{nearest(name, known)} There are: {', '.join(sorted(known))}."
