"""What `train resume` finds in a directory: whether a run can go on there, and as which experiment."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from trainer.errors import CheckpointError, ConfigError
from trainer.experiment import Experiment
from trainer.identity import complete, flatten, is_housekeeping, may_be_given
from trainer.records import Status
from trainer.report.closing import unstopped
from trainer.report.files import CHECKPOINT, CONFIG, SUMMARY
from trainer.report.origin import differences, origin, processor
from trainer.report.plain import Unreadable
from trainer.report.reading import read_config, read_summary
from trainer.run import checkpoint
from trainer.run.lease import Taken, is_stale
from trainer.run.settings import changed, check_settings, no_checkpoint
from trainer.run.stack_run import Job
from trainer.run.summary import versions
from trainer.terminal.printable import command, printable


class Resumable(NamedTuple):
    """A run that can go on: from its checkpoint, or from the start where it was killed before its first."""

    job: Job
    from_checkpoint: bool


def resumable(directory: Path, settings: Mapping[str, Any], held: bool = False) -> Resumable | None:
    """What goes on in `directory`, or None where it is complete; ConfigError where it can't go on. `held`: by this process."""
    check_settings(settings)
    config, summary = _read(directory)
    status = summary["status"]
    if not held and status == Status.RUNNING and not is_stale(summary, directory):
        raise Taken(directory, summary["process"])
    if status == Status.DIVERGED:
        raise ConfigError(
            f"{directory} diverged, and would again: start a new run with a lower optimizer.lr, or with clip=grad."
        )
    experiment = Experiment.from_dict(config)
    if status == Status.COMPLETED and "epochs" in settings:
        _refuse_stopped(directory, summary, experiment)
    begun = (directory / CHECKPOINT).exists()
    if begun:
        _same_configuration(directory, config, checkpoint.load(directory).config)
    if status == Status.COMPLETED and "epochs" not in settings:
        return None
    wanted = changed(experiment, settings)
    if status == Status.COMPLETED and not begun:
        again = command(f"from={directory}", f"epochs={wanted.epochs}")
        raise no_checkpoint(directory, f"To train longer type: {again}")
    if held:  # once: it is asked before the directory is taken, and again when it is
        _tell_origin(directory, summary)
        _tell_horizon(experiment, wanted.epochs)
    return Resumable(Job(wanted, directory, tuple(summary["overrides"])), begun)


def _refuse_stopped(directory: Path, summary: Mapping[str, Any], e: Experiment) -> None:
    """More epochs are nothing to a run that its own rule has ended."""
    if summary.get("stopped_epoch") is not None:
        raise ConfigError(
            f"{directory} stopped after epoch {summary['stopped_epoch']} of {e.epochs} (stop={e.stop.name}), and with more "
            f"epochs it would stop there too. To train it without stopping, type: {unstopped(directory)}"
        )


def _read(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not directory.is_dir():
        raise ConfigError(f"There is no directory {directory} to resume.")
    try:
        return read_config(directory / CONFIG), _summary(directory)
    except FileNotFoundError:
        raise ConfigError(f"{directory} is no run's directory: it has no {CONFIG}.") from None
    except (OSError, ValueError) as error:
        reason = printable(getattr(error, "strerror", None) or error)
        raise ConfigError(
            f"{directory} can't be resumed: its {CONFIG} or {SUMMARY} can't be read ({reason})."
        ) from None


def _summary(directory: Path) -> dict[str, Any]:
    """How the run stands. One that was killed before it could say so has its configuration and nothing else."""
    try:
        return read_summary(directory / SUMMARY)
    except FileNotFoundError:
        if (directory / CHECKPOINT).exists():
            raise Unreadable(f"{SUMMARY} is missing") from None
        return {"status": Status.INTERRUPTED, "overrides": []}


def _same_configuration(directory: Path, config: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Refuse a config.yaml that was edited since the checkpoint, in what may not be given anew; show what differs."""
    now, then = complete(flatten(config)), complete(flatten(saved))
    edited = [
        printable(f"{key} was {then.get(key)} and is {now.get(key)}")
        for key in sorted({*now, *then})
        if now.get(key) != then.get(key) and not (may_be_given(key) or is_housekeeping(key))
    ]
    if edited:
        raise CheckpointError(f"{directory}/{CONFIG} no longer fits the checkpoint: {'; '.join(edited)}.")


def _tell_origin(directory: Path, summary: dict[str, Any]) -> None:
    here = {"versions": versions(), "processor": processor()}
    for name, (then, now) in differences([origin(summary | {"device": None}), origin(here)]).items():
        print(
            f"train: {directory} began with {name} {printable(then)} and continues with {now}: "
            "its numbers may differ in the last bits from those of a run without a break.",
            file=sys.stderr,
        )


def _tell_horizon(e: Experiment, epochs: int) -> None:
    if epochs != e.epochs and e.decay.has_horizon:
        print(
            f"train: decay={e.decay.name} now ends at epoch {epochs} instead of {e.epochs}: from here on the learning rate "
            "follows the longer schedule, which is not the same as a run of that length from the start.",
            file=sys.stderr,
        )
