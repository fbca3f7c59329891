"""One experiment in one directory, as the command line asks for it: begin or resume, watch, and end with an exit code."""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trainer.data.loading import load
from trainer.data.tensors import on_device
from trainer.engine.devices import resolve
from trainer.errors import STOPPED, ConfigError, DataError, ExitCode, Stopped
from trainer.experiment import Experiment
from trainer.records import Status
from trainer.report.closing import longer, train_longer, unstopped
from trainer.report.files import CHECKPOINT, CONFIG, SUMMARY
from trainer.report.guarded import say
from trainer.report.reading import read_config, read_summary
from trainer.report.run_info import RunInfo
from trainer.run import checkpoint
from trainer.run.directories import is_blank
from trainer.run.lease import Lease, LeaseLost, alone
from trainer.run.resume import resumable
from trainer.run.run_directory import clear
from trainer.run.screen import Screen
from trainer.run.signals import Signals
from trainer.run.stack_run import Job, StackRun
from trainer.terminal.printable import command, printable


def run_single(job: Job) -> int:
    """Train a job in its freshly claimed directory and show it on the terminal; returns the exit code."""
    if (job.directory / SUMMARY).exists():
        say(f"{job.directory} holds a run already, which is never overwritten: choose another directory.")
        return ExitCode.WRONG
    with alone(job.directory) as lease:
        return _answered(job, lease, resumed=False)


def resume(directory: Path, settings: Mapping[str, Any]) -> int:
    """Go on with the run in `directory` from its checkpoint, or from the start where it was killed before its first; returns
    the exit code.

    `settings` are flat dotted keys: `epochs`, of which there will be so many in all, and what is no part of what a run is
    (`identity.may_be_given`).
    """
    try:
        if resumable(directory, settings) is None:
            print(printable(f"{directory} is complete. To train longer type: {_longer(directory)}"))
            return 0
        with alone(directory) as lease:
            found = resumable(directory, settings, held=True)  # again: another process may have been at it until now
            if found and not found.from_checkpoint:
                say(f"{directory} has no checkpoint yet: it begins anew, to the same bits as if it had never stopped.")
            return 0 if found is None else _answered(found.job, lease, found.from_checkpoint)
    except ConfigError as error:
        say(str(error))
        return ExitCode.WRONG


def _longer(directory: Path) -> str:
    """The command that trains a complete run for twice its epochs; from the start where its checkpoint is gone or the run
    stopped early."""
    experiment = Experiment.from_dict(read_config(directory / CONFIG))
    if read_summary(directory / SUMMARY).get("stopped_epoch") is not None:
        return unstopped(directory)
    if (directory / CHECKPOINT).exists():
        return train_longer(directory, experiment)
    return command(f"from={directory}", f"epochs={longer(experiment)}")


def _answered(job: Job, lease: Lease, resumed: bool) -> int:
    """Train, or say in a sentence what keeps it from beginning."""
    with Signals() as signals:
        try:
            with _nothing_left(job.directory, resumed):
                run, notice = _prepare(job, lease, signals, resumed)
        except (ConfigError, DataError) as error:
            say(str(error))
            return ExitCode.WRONG
        except OSError as error:
            say(f"{job.directory} can't be written: {error.strerror or error}.")
            return ExitCode.CRASHED
        except (MemoryError, RuntimeError) as error:  # torch's word for too little memory is RuntimeError
            say(f"the run can't begin: {' '.join(str(error).split()) or type(error).__name__}")
            _show(error)
            return ExitCode.CRASHED
        except Stopped as stop:
            say(f"{stop.status} before the first update; nothing was trained.")
            return STOPPED[stop.status]
        return _train(run, notice, signals)


@contextmanager
def _nothing_left(directory: Path, resumed: bool) -> Iterator[None]:
    """Take a new run's directory away where the run can't begin, unless others' files are in it."""
    ours = not resumed and is_blank(directory)
    try:
        yield
    except BaseException:
        if ours:
            shutil.rmtree(directory, ignore_errors=True)
        raise


def _prepare(job: Job, lease: Lease, signals: Signals, resumed: bool) -> tuple[StackRun, str | None]:
    """The run before its next update, its files begun, and the notice of its data set."""
    e = job.experiment
    device = resolve(e.device)
    used = checkpoint.load(job.directory).dataset if resumed else e.dataset.name
    data = load(e.dataset, fallen_back=used != e.dataset.name)
    tensors = on_device(data, device)
    if not resumed:
        clear(job.directory)
    signals.training = True  # from here on there is something to save
    return StackRun([job], tensors, resumed, lease=lease), data.notice


def _train(run: StackRun, notice: str | None, signals: Signals) -> int:
    screen = Screen()
    try:
        screen.show("start", _info(run, notice))
        run.train(screen, lambda: signals.status)
        summary = run.summaries()[0]
        screen.show("finish", summary, run.jobs[0].directory)
    except Exception as error:
        screen.show("close")
        return _crashed(run, error)
    finally:
        screen.leave()
    return ExitCode.DIVERGED if summary["status"] == Status.DIVERGED else STOPPED.get(summary["status"], ExitCode.DONE)


def _info(run: StackRun, notice: str | None) -> RunInfo:
    training, data, job = run.training, run.data, run.jobs[0]
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
        started_at_step=training.step,
    )


def _crashed(run: StackRun, error: Exception) -> int:
    """Say what happened, in the run's own files too, where they are still this process's to write."""
    try:
        with suppress(OSError):  # said below
            run.check()
    except LeaseLost as lost:
        say(f"{lost}; nothing more is written here.")
        return ExitCode.CRASHED
    return _told(run, error)


def _told(run: StackRun, error: Exception) -> int:
    """Leave the traceback in the log and one sentence on the terminal; TRAIN_TRACEBACK=1 shows it there too."""
    directory = run.jobs[0].directory
    _show(error)
    what = f"{error}. The traceback is in {directory}/train.log."
    if isinstance(error, OSError):
        what = f"a file in {directory} can't be written: {error.strerror or error}."
    say(f"crashed: {what} What was saved before is whole. To go on from it type: {command('resume', directory)}")
    try:
        run.crash(error)
    except OSError as refused:  # the disk may be the very reason
        say(f"the status can't be written down either: {refused.strerror or refused}.")
    return ExitCode.CRASHED


def _show(error: Exception) -> None:
    if os.environ.get("TRAIN_TRACEBACK"):
        traceback.print_exception(error)
