"""What `train resume` finds in a directory: whether a run can go on there, and as which experiment."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from trainer.errors import CheckpointError, ConfigError
from trainer.experiment import Experiment
from trainer.identity import complete, flatten, is_housekeeping
from trainer.records import Status
from trainer.report.files import CONFIG, SUMMARY, read_json
from trainer.run import checkpoint
from trainer.run.checkpoint import CHECKPOINT
from trainer.run.process import is_stale
from trainer.run.stack_run import Job


def resumable(directory: Path, epochs: int | None) -> Job | None:
    """The job that goes on in `directory`, or None where it is complete; ConfigError where it can't go on."""
    config, summary = _read(directory)
    if summary["status"] == Status.RUNNING and not is_stale(summary):
        raise ConfigError(f"{directory} is being trained right now by process {summary['process']['pid']}.")
    if summary["status"] == Status.DIVERGED:
        raise ConfigError(
            f"{directory} diverged, and would again: start a new run with a lower optimizer.lr, or with clip=grad."
        )
    _same_configuration(directory, config, checkpoint.load(directory).config)
    experiment = Experiment.from_dict(config)
    if epochs is not None:
        _tell_horizon(experiment, epochs)
        experiment = replace(experiment, epochs=epochs)
    elif summary["status"] == Status.COMPLETED:
        return None
    return Job(experiment, directory, tuple(map(str, summary.get("overrides", ()))))


def _read(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not directory.is_dir():
        raise ConfigError(f"There is no directory {directory} to resume.")
    try:
        config = yaml.safe_load((directory / CONFIG).read_text())
        summary = read_json(directory / SUMMARY)
        return dict(config), {"status": summary["status"], **summary}
    except (OSError, ValueError, TypeError, KeyError, RecursionError, yaml.YAMLError):
        raise ConfigError(
            f"{directory} is no run's directory: it needs {CONFIG}, {SUMMARY} and {CHECKPOINT} to be resumed."
        ) from None


def _same_configuration(directory: Path, config: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Refuse a config.yaml that was edited since the checkpoint, in what decides it, but for its length; show what differs."""
    now, then = complete(flatten(config)), complete(flatten(saved))
    changed = [
        f"{key} was {then.get(key)} and is {now.get(key)}"
        for key in sorted({*now, *then} - {"epochs"})
        if now.get(key) != then.get(key) and not is_housekeeping(key)
    ]
    if changed:
        raise CheckpointError(f"{directory}/{CONFIG} no longer fits the checkpoint: {'; '.join(changed)}.")


def _tell_horizon(e: Experiment, epochs: int) -> None:
    if epochs != e.epochs and e.decay.has_horizon:
        print(
            f"train: decay={e.decay.name} now ends at epoch {epochs} instead of {e.epochs}: from here on the learning rate "
            "follows the longer schedule, which is not the same as a run of that length from the start.",
            file=sys.stderr,
        )
