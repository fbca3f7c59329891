"""A stack of experiments, each in its own directory, from the first update or a checkpoint to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from trainer.data.tensors import Tensors
from trainer.engine.loop import Prune, Training
from trainer.engine.network import layout_of
from trainer.engine.state import State, join
from trainer.errors import CheckpointError, ConfigError
from trainer.experiment import Experiment
from trainer.records import Record, Status
from trainer.report.files import CHECKPOINT
from trainer.run import checkpoint
from trainer.run.guessing import guessing
from trainer.run.lease import Lease
from trainer.run.run_directory import RunDirectory
from trainer.run.summary import Facts, Summary
from trainer.run.together import together
from trainer.terminal.printable import command

SHARE = 0.01
"""Of the time at most, for checkpoints by seconds: those of large stacks and networks come more seldom than asked for."""


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

    def __init__(
        self,
        jobs: Sequence[Job],
        data: Tensors,
        resumed: bool = False,
        prune: Prune | None = None,
        lease: Lease | None = None,
    ):
        """`lease`: on the jobs' directories; where it is lost, nothing more is written there (LeaseLost)."""
        self.jobs, self.data, self.clock, self.lease = list(jobs), data, uuid4().hex, lease
        saved = [_saved(job, data) for job in jobs] if resumed else []
        self.training = Training([job.experiment for job in jobs], data, join(saved) if saved else None, prune)
        self._check_length()
        self.guessing = guessing(data)
        self.at_end = self.training.finished if resumed else set()
        states: list[State | None] = [*saved] or [None] * len(self.jobs)
        self.directories = together(lambda run: self._directory(run, states[run]), range(len(jobs)))
        self.ended: set[int] = set()
        self.saved_at, self.save_took = time.monotonic(), 0.0
        self.saved_epoch = self.training.step // self.training.per_epoch

    def _check_length(self) -> None:
        training = self.training
        if training.step > training.updates:
            raise ConfigError(
                f"epochs={self.jobs[0].experiment.epochs} is less than the {training.step / training.per_epoch:.4g} "
                f"epochs that {self.jobs[0].directory} has behind it."
            )

    def _directory(self, run: int, saved: State | None) -> RunDirectory:
        training, job = self.training, self.jobs[run]
        facts = Facts(
            dataset=self.data.name,
            device=str(self.data.device),
            stack=len(self.jobs),
            parameters=training.layout.count(),
            samples_per_epoch=len(self.data.train.labels),
            batch=training.batch,
            updates=training.updates,
            updates_per_epoch=training.per_epoch,
            dataset_digest=self.data.digest,
            split=self.data.split,
            clock=self.clock,
            guessing=self.guessing,
        )
        summary = Summary(job.experiment, facts, job.overrides)
        return RunDirectory(job.directory, summary, training.layout, saved, self.lease, run in self.at_end)

    def train(self, view: View, stopped: Callable[[], Status | None]) -> None:
        """Train to the end, or to the update after which `stopped()` names a status (interrupted, terminated)."""
        self._end(dict.fromkeys(self.at_end, Status.COMPLETED))  # killed before they could say so, or given more epochs
        for records in self.training if self._going() else ():
            if records:
                self._take(records, view)
            view.tick(self.training.step, self.training.seconds)
            status = stopped()
            if status:
                return self._end(dict.fromkeys(self._going(), status))
            if self._checkpoint_is_due():
                self.save()

    def _take(self, records: Sequence[Record], view: View) -> None:
        for record in records:
            view.record(record)
            self.directories[record.run].record(record, self.training.of)
        self._end({record.run: record.status for record in records if record.status != Status.RUNNING})

    def _checkpoint_is_due(self) -> bool:
        cadence, epoch = self.jobs[0].experiment.checkpoint, self.training.step // self.training.per_epoch
        if cadence.epochs and epoch >= self.saved_epoch + cadence.epochs:
            return True
        if cadence.seconds is None:
            return False
        return time.monotonic() - self.saved_at >= max(cadence.seconds, self.save_took / SHARE)

    def save(self) -> None:
        """Write the checkpoint of every run that is still being trained."""
        began = time.monotonic()
        self.saved_epoch = self.training.step // self.training.per_epoch
        states = {run: self._finite(run) for run in self._going()}
        together(lambda run: self.directories[run].save(states[run]), states)
        self.saved_at = time.monotonic()
        self.save_took = self.saved_at - began

    def _finite(self, run: int) -> State:
        """The state of a run, or where it has diverged its last finite one. In one thread alone: sums are brought up to date."""
        training, state = self.training, self.training.of(run)
        if run not in training.alive or checkpoint.is_finite(state):
            return state
        return training.finite.rows([training.alive.index(run)])

    def _going(self) -> list[int]:
        return [run for run in range(len(self.jobs)) if run not in self.ended]

    def _end(self, statuses: Mapping[int, Status]) -> None:
        """Write how some of the runs ended, and all that is left of them."""
        self.ended |= statuses.keys()
        states = {run: self._finite(run) for run in statuses}
        hits = {run: self.training.final_hits(run) for run, status in statuses.items() if status == Status.COMPLETED}

        def end(run: int) -> None:
            images = self.data if run in hits and self.jobs[run].experiment.report.images else None
            self.directories[run].end(statuses[run], states[run], hits.get(run), images)

        together(end, statuses)

    def crash(self, error: BaseException) -> None:
        """Say in every run that was going that it failed, and why."""
        for run in self._going():
            self.ended.add(run)
            self.directories[run].crash(error)

    def check(self) -> None:
        """LeaseLost where another process may write in the directories by now."""
        if self.lease:
            self.lease.check()

    def summaries(self) -> list[dict[str, Any]]:
        """How each job stands, in the order of the jobs."""
        return [directory.summary.as_dict() for directory in self.directories]


def _cure(job: Job) -> str:
    """How to say where a run's data lie now; nothing for data that need no files."""
    keys = [key for key in ("root", "path") if hasattr(job.experiment.dataset, key)]
    lines = (command("resume", job.directory, f"dataset.{key}=PLACE") for key in keys)
    return "".join(f" Where its data lie elsewhere now, type: {line}" for line in lines)


def _saved(job: Job, data: Tensors) -> State:
    """The state to go on from. CheckpointError where there is none, or it is that of other data, another network or optimizer."""
    saved, e = checkpoint.load(job.directory), job.experiment
    state = saved.state
    if saved.dataset != data.name or saved.digest not in ("", data.digest):
        raise CheckpointError(
            f"{job.directory} was trained on {saved.dataset}{' with other images' * (saved.dataset == data.name)}, and now "
            f"{data.name} is what its configuration finds.{_cure(job)}"
        )
    layout = layout_of(e, data.features, data.classes)
    wanted = layout.width, layout.statistics_width, len(e.optimizer.slots), e.staleness.kept
    kept = 0 if state.ring is None else state.ring.shape[1]
    found = state.theta.shape[1], state.statistics.shape[1], len(state.slots), kept
    if found != wanted:
        raise CheckpointError(
            f"{job.directory / CHECKPOINT} is of another network or optimizer than {job.directory}/config.yaml "
            f"describes: (parameters, running statistics, slots, gradients kept) are {found} and should be {wanted}."
        )
    return state
