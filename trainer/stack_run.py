"""A stack of experiments, each in its own directory, from the first update or a checkpoint to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from trainer import checkpoint
from trainer.experiment import Experiment
from trainer.loop import Prune, Training
from trainer.records import Record
from trainer.run_directory import RunDirectory
from trainer.state import State, join
from trainer.summary import Facts, Summary
from trainer.tensors import Tensors


@dataclass(frozen=True)
class Job:
    """An experiment, the existing directory that belongs to it, and the words that asked for it."""

    experiment: Experiment
    directory: Path
    overrides: tuple[str, ...] = ()


class View(Protocol):
    """Who watches a stack while it trains."""

    def tick(self, step: int, seconds: float) -> None: ...

    def record(self, record: Record) -> None: ...


class StackRun:
    """One stack of jobs from its first update (or its checkpoints) to its end."""

    def __init__(self, jobs: Sequence[Job], data: Tensors, resumed: bool = False, prune: Prune | None = None):
        self.jobs, self.data = list(jobs), data
        state = self._saved_state() if resumed else None
        self.training = Training([job.experiment for job in jobs], data, state, prune)
        self.directories = [self._directory(job, resumed) for job in jobs]
        self.ended: set[int] = set()
        self.saved_at = time.monotonic()
        self.saved_epoch = self.training.state.step // self.training.per_epoch

    def _saved_state(self) -> State:
        return join([checkpoint.load(job.directory).state for job in self.jobs])

    def _directory(self, job: Job, resumed: bool) -> RunDirectory:
        training = self.training
        facts = Facts(
            dataset=self.data.name,
            device=str(self.data.device),
            stack=len(self.jobs),
            parameters=training.layout.count(),
            samples_per_epoch=len(self.data.train.labels),
            batch=training.batch,
            updates=training.updates,
            updates_per_epoch=training.per_epoch,
        )
        summary = Summary(job.experiment, facts, job.overrides)
        return RunDirectory(job.directory, summary, training.layout, training.state.step if resumed else None)

    def train(self, view: View, stopped: Callable[[], str | None]) -> None:
        """Train to the end, or to the update after which `stopped()` names a status (interrupted, terminated)."""
        for records in self.training:
            for record in records:
                self._take(record, view)
            view.tick(self.training.state.step, self.training.state.seconds)
            status = stopped()
            if status:
                return self._end_all(status)
            if self._checkpoint_is_due():
                self.save()

    def _take(self, record: Record, view: View) -> None:
        view.record(record)
        self.directories[record.run].record(record, self.training.of)
        if record.status != "running":
            self._end(record.run, record.status)

    def _checkpoint_is_due(self) -> bool:
        cadence, epoch = self.jobs[0].experiment.checkpoint, self.training.state.step // self.training.per_epoch
        if cadence.epochs and epoch >= self.saved_epoch + cadence.epochs:
            return True
        return cadence.seconds is not None and time.monotonic() - self.saved_at >= cadence.seconds

    def save(self) -> None:
        """Write the checkpoint of every run that is still being trained."""
        self.saved_at = time.monotonic()
        self.saved_epoch = self.training.state.step // self.training.per_epoch
        for run in self._going():
            self.directories[run].save(self.training.of(run))

    def _going(self) -> list[int]:
        return [run for run in range(len(self.jobs)) if run not in self.ended]

    def _end(self, run: int, status: str) -> None:
        self.ended.add(run)
        self.directories[run].end(status, self.training.of(run))

    def _end_all(self, status: str) -> None:
        for run in self._going():
            self._end(run, status)

    def crash(self, error: BaseException) -> None:
        """Say in every run that was going that it failed, and why."""
        for run in self._going():
            self.ended.add(run)
            self.directories[run].crash(error)

    def summaries(self) -> list[dict[str, Any]]:
        """How each job stands, in the order of the jobs."""
        return [directory.summary.as_dict() for directory in self.directories]
