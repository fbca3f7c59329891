"""One experiment in one directory, as the command line asks for it: begin or resume, watch, and end with an exit code."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from trainer import checkpoint
from trainer.checkpoint import CHECKPOINT, CheckpointError
from trainer.data import DataError, load
from trainer.device import resolve
from trainer.experiment import Experiment
from trainer.fields import ConfigError
from trainer.report.console import RunInfo, RunView
from trainer.report.files import CONFIG, SUMMARY, read_json
from trainer.signals import EXIT_CODES, Signals, Stopped
from trainer.stack_run import Job, StackRun
from trainer.summary import is_stale
from trainer.tensors import on_device

__all__ = ["Job", "resume", "run_single"]

CRASHED, WRONG, DIVERGED = 1, 2, 3
HORIZON = ("linear", "cosine")
"""Decays whose shape depends on the number of epochs."""


def run_single(job: Job) -> int:
    """Train a job in its freshly claimed directory and show it on the terminal; returns the exit code."""
    return _guarded(job, resumed=False)


def resume(directory: Path, epochs: int | None = None) -> int:
    """Go on from the last checkpoint of the run in `directory`, to `epochs` in all where given; returns the exit code."""
    try:
        job = _resumable(directory, epochs)
    except ConfigError as error:
        print(f"train: {error}", file=sys.stderr)
        return WRONG
    return 0 if job is None else _guarded(job, resumed=True)


def _guarded(job: Job, resumed: bool) -> int:
    """Train, and answer what stops it: a mistake or a signal before the first update leaves nothing new behind."""

    def undo() -> None:
        if not resumed:
            shutil.rmtree(job.directory, ignore_errors=True)

    with Signals() as signals:
        try:
            return _train(job, signals, resumed)
        except (ConfigError, DataError) as error:
            undo()
            print(f"train: {error}", file=sys.stderr)
            return WRONG
        except Stopped as stop:
            undo()
            print(f"train: {stop.status} before the first update; nothing was trained.", file=sys.stderr)
            return EXIT_CODES[stop.status]


def _train(job: Job, signals: Signals, resumed: bool) -> int:
    e = job.experiment
    device = resolve(e.device)
    used = checkpoint.load(job.directory).dataset if resumed else e.dataset.name
    data = load(e.dataset, fallen_back=used != e.dataset.name)
    if resumed and data.name != used:
        raise ConfigError(
            f"{job.directory} was trained on {used}, and now {data.name} is what its configuration finds."
        )
    run = StackRun([job], on_device(data, device), resumed)
    with RunView() as view:
        view.start(_info(job, run, data.notice))
        signals.training = True
        try:
            run.train(view, lambda: signals.status)
        except Exception as error:
            return _crashed(run, error)
        summary = run.summaries()[0]
        view.finish(summary, job.directory)
    return DIVERGED if summary["status"] == "diverged" else EXIT_CODES.get(summary["status"], 0)


def _info(job: Job, run: StackRun, notice: str | None) -> RunInfo:
    training, data = run.training, run.data
    return RunInfo(
        experiment=job.experiment,
        dataset=data.name,
        notice=notice,
        device=str(data.device),
        threads=job.experiment.threads,
        parameters=training.layout.count(),
        updates=training.updates,
        updates_per_epoch=training.per_epoch,
        train_samples=len(data.train.labels),
        valid_samples=len(data.valid.labels),
        test_samples=len(data.test.labels),
        directory=job.directory,
        started_at_step=training.state.step,
    )


def _crashed(run: StackRun, error: Exception) -> int:
    """Leave the traceback in the log and one sentence on the terminal; TRAIN_TRACEBACK=1 shows it there too."""
    if os.environ.get("TRAIN_TRACEBACK"):
        traceback.print_exception(error)
    directory = run.jobs[0].directory
    print(
        f"train: crashed: {error}. The traceback is in {directory}/train.log; checkpoints are whole.", file=sys.stderr
    )
    _quietly(lambda: run.crash(error))
    return CRASHED


def _quietly(action: Callable[[], None]) -> None:
    """Do what can be done on a disk that may be the reason for the crash."""
    try:
        action()
    except OSError as error:
        print(f"train: and that can't be written down: {error}", file=sys.stderr)


def _resumable(directory: Path, epochs: int | None) -> Job | None:
    """The job that goes on in `directory`, or None where nothing is left to do; ConfigError where it can't go on."""
    config, summary = _read(directory)
    if summary["status"] == "running" and not is_stale(summary):
        raise ConfigError(f"{directory} is being trained right now by process {summary['process']['pid']}.")
    saved = checkpoint.load(directory)
    _same_configuration(directory, config, saved.config)
    experiment = Experiment.from_dict(config)
    if epochs is not None:
        _more_epochs(experiment, epochs, summary)
        experiment = replace(experiment, epochs=epochs)
    elif summary["status"] == "completed":
        print(f"{directory} is complete after {summary['epochs']} epochs; to train on, add epochs=N.")
        return None
    return Job(experiment, directory, tuple(summary.get("overrides", ())))


def _read(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not directory.is_dir():
        raise ConfigError(f"There is no directory {directory} to resume.")
    try:
        config = yaml.safe_load((directory / CONFIG).read_text())
        summary = read_json(directory / SUMMARY)
        return dict(config), {"status": summary["status"], **summary}
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        raise ConfigError(
            f"{directory} is no run's directory: it needs {CONFIG}, {SUMMARY} and {CHECKPOINT} to be resumed."
        ) from None


def _same_configuration(directory: Path, config: dict[str, Any], saved: dict[str, Any]) -> None:
    """Refuse a config.yaml that was edited since the checkpoint, all but the number of epochs; show what differs."""
    changed = [
        f"{key} was {saved.get(key)} and is {config.get(key)}"
        for key in sorted({*config, *saved} - {"epochs"})
        if config.get(key) != saved.get(key)
    ]
    if changed:
        raise CheckpointError(f"{directory}/{CONFIG} no longer fits the checkpoint: {'; '.join(changed)}.")


def _more_epochs(e: Experiment, epochs: int, summary: dict[str, Any]) -> None:
    if epochs < summary["epochs"]:
        raise ConfigError(f"epochs={epochs} is less than the {summary['epochs']} epochs this run has behind it.")
    if epochs != e.epochs and e.decay.name in HORIZON:
        print(
            f"train: decay={e.decay.name} now ends at epoch {epochs} instead of {e.epochs}: from here on the learning rate "
            "follows the longer schedule, which is not the same as a run of that length from the start.",
            file=sys.stderr,
        )
