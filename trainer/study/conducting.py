"""A study from its question to its answer: two sweeps, one that chooses and one that judges, each extended as its rule says.

Nothing is remembered between them but what the runs left on disk, so a study that is started again, with every run that is
complete skipped, makes the same decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.compare.runs import Run, read_run
from trainer.errors import ConfigError
from trainer.records import FINISHED
from trainer.study import choosing, judging
from trainer.study.answer import Answer, Chosen
from trainer.study.comparing import comparisons
from trainer.study.planning import Forecast
from trainer.study.question import Question
from trainer.study.rows import choosing_rows, judging_rows
from trainer.study.schedule import schedule, seeds
from trainer.study.screen import Phase
from trainer.sweep.cells import Cell, SweepSettings
from trainer.sweep.sweep import run_sweep
from trainer.sweep.workers import WorkerPool

CHOOSE, JUDGE = "choose", "judge"
"""Below the study's directory: the sweeps that choose the rates and that judge the configurations."""

Steps = Mapping[str, Sequence[int]]
Told = Callable[[float], str | None]


class RunsFailed(Exception):
    """Some runs of a study crashed, so that there is no answer yet; the screen and their logs say why."""


def conduct(question: Question, directory: Path) -> Answer:
    """Choose, judge, answer. Raises RunsFailed, ConfigError, and Stopped when a signal has ended a sweep and all is saved."""
    forecast = Forecast(question)
    with WorkerPool() as pool:
        sweeps = Sweeps(pool, SweepSettings(question.workers))
        chosen = choose(question, directory / CHOOSE, sweeps, forecast.told)
        return judge(question, directory, chosen, sweeps)


class Sweeps:
    """Runs the sweeps of one study: by one pool of workers, and on one data set, though their directories are two."""

    def __init__(self, pool: WorkerPool, settings: SweepSettings):
        self.pool, self.settings = pool, settings
        self.data: dict[tuple[str, str], Path] = {}

    def run(self, cells: Sequence[Cell], directory: Path, phase: Phase) -> list[dict[str, Any]]:
        """Every cell's summary. Raises RunsFailed where some crashed, and ConfigError where the data are others than before."""
        summaries = run_sweep(cells, directory, self.settings, phase, self.pool)
        failed = sum(summary["status"] not in FINISHED for summary in summaries)
        if failed:
            raise RunsFailed(f"{failed} of {len(cells)} runs failed")
        self.check_data(directory, summaries)
        return summaries

    def check_data(self, directory: Path, summaries: Sequence[Mapping[str, Any]]) -> None:
        for summary in summaries:
            self.data.setdefault((summary["dataset"], summary.get("dataset_digest", "")), directory)
        if len(self.data) > 1:
            (one, first), (other, second) = [(name, where) for (name, _), where in self.data.items()][:2]
            raise ConfigError(
                f"{first} was trained on {one} and {second} on {other if other != one else f'another {one}'}: a study needs one "
                "data set. Say by dataset.root where it is, and choose another name."
            )


def choose(question: Question, directory: Path, sweeps: Sweeps, told: Told | None = None) -> dict[str, Chosen]:
    """The rate of each configuration, once none of them is best at an edge that could be widened."""
    steps: dict[str, list[int]] = {one.key: list(choosing.STEPS) for one in question.configurations}
    wider = dict.fromkeys(steps, True)
    trials: dict[str, list[choosing.Trial]] = {}
    while any(wider.values()):
        trials, told = _try(question, directory, steps, sweeps, told), None
        further = {key: choosing.further(own) for key, own in trials.items()}
        wider = {key: bool(own) for key, own in further.items()}
        steps = {key: [*own, *further[key]] for key, own in steps.items()}
    defaults = {key: float(experiment.optimizer.lr) for key, experiment in question.experiments.items()}
    return {
        key: Chosen(defaults[key] * 2.0 ** choosing.best(own).step, defaults[key], tuple(own))
        for key, own in trials.items()
    }


def _try(
    question: Question, directory: Path, steps: Steps, sweeps: Sweeps, told: Told | None
) -> dict[str, list[choosing.Trial]]:
    cells = [
        (one.key, step, choosing.cell(question, one, step, seed))
        for one in question.configurations
        for step in steps[one.key]
        for seed in choosing.SEEDS
    ]
    show = choosing_rows(question, [(key, step) for key, step, _ in cells])
    headers = ("configuration", "runs", "best rate so far", "valid/accuracy")
    title = (
        "Choosing rates" if all(len(own) == len(choosing.STEPS) for own in steps.values()) else "Trying further rates"
    )
    phase = Phase(title, headers, show, told)
    summaries = sweeps.run([cell for *_, cell in cells], directory, phase)
    own = {key: [s for (k, *_), s in zip(cells, summaries, strict=True) if k == key] for key in steps}
    return {key: choosing.trials_of(steps[key], own[key]) for key in steps}


def judge(
    question: Question,
    directory: Path,
    chosen: Mapping[str, Chosen],
    sweeps: Sweeps,
) -> Answer:
    """Seeds added until they suffice, and what they say."""
    margin = None if question.margin is None else question.margin / 100
    for n in schedule(question.seeds):
        runs = _runs(question, directory / JUDGE, chosen, n, sweeps)
        found, wanted = judging.verdicts(comparisons(question.factors), runs, margin)
        if judging.is_enough(found, wanted):
            break
    some = next(iter(runs.values()))[0]
    samples = {key: judging.sample(own) for key, own in runs.items()}
    images = max((one.judgement.crossed.m for one in found if one.judgement), default=0)
    ended = judging.limit(found, wanted)
    return Answer(question, directory, some.dataset, images, n, wanted, ended, chosen, samples, tuple(found))


def _runs(
    question: Question,
    directory: Path,
    chosen: Mapping[str, Chosen],
    n: int,
    sweeps: Sweeps,
) -> dict[str, list[Run]]:
    cells = [
        (one.key, choosing.cell(question, one, chosen[one.key].step, seed, with_rate=False))
        for seed in seeds(n)
        for one in question.configurations
    ]
    headers = ("configuration", "rate", "seeds", "test/accuracy", "difference so far")
    phase = Phase(f"Judging with {n} seeds", headers, judging_rows(question, chosen, [key for key, _ in cells]))
    sweeps.run([cell for _, cell in cells], directory, phase)
    keys = [one.key for one in question.configurations]
    return {key: [read_run(directory / cell.name) for k, cell in cells if k == key] for key in keys}
