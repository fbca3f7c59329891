"""How each cell stands before a sweep begins: finished, to go on from its checkpoint, or to be run from the start."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from trainer.errors import CheckpointError, ConfigError
from trainer.experiment import Experiment
from trainer.identity import differences
from trainer.records import Status
from trainer.report.files import CONFIG, SUMMARY, YamlLoader, read_json
from trainer.run.process import is_stale
from trainer.sweep.cells import Cell

REPLACED = ".replaced"
"""Below the sweep's directory: where runs of an earlier configuration lie; `train compare` passes over such names."""


@dataclass(frozen=True)
class Existing:
    """`summary` of a finished run; `step` of the checkpoint to go on from, on which data set; all None: from the start.

    `replaced`: a run of another configuration is to be moved aside, never overwritten.
    """

    summary: dict[str, Any] | None = None
    step: int | None = None
    dataset: str | None = None
    replaced: bool = False


def existing(cell: Cell, directory: Path, results: Collection[str], extends: bool = False) -> Existing:
    """How the cell in `directory` stands. `results` are the statuses that need no more work; with `extends` more epochs than
    before go on from the checkpoint. What was trained with another configuration is `replaced`."""
    try:
        summary = read_json(directory / SUMMARY)
        config = yaml.load((directory / CONFIG).read_text(), Loader=YamlLoader)  # a safe loader
        changed, status = differences(cell.experiment.to_dict(), config), summary["status"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        return Existing()
    if status == Status.RUNNING and not is_stale(summary):
        raise ConfigError(f"{directory} is being trained right now by process {summary['process']['pid']}.")
    if not changed and status in results:
        return Existing(summary=summary)
    if changed and not (extends and changed == {"epochs"}):
        return Existing(replaced=True)
    if extends and status in results and status != Status.COMPLETED:
        return Existing(summary=summary)  # diverged or pruned: more epochs don't change that
    return saved(cell.experiment, directory)


def saved(experiment: Experiment, directory: Path) -> Existing:
    """Where the checkpoint stands; from the start where there is none that fits."""
    from trainer.run import checkpoint  # imports torch, which only an unfinished run needs here

    try:
        found = checkpoint.load(directory)
    except CheckpointError:
        return Existing()
    if differences(experiment.to_dict(), found.config) - {"epochs"}:
        return Existing()
    return Existing(step=found.state.step, dataset=found.dataset)


def move_aside(directory: Path) -> Path:
    """Move a run's files to where neither this sweep nor `train compare` takes them for its own; `.hydra` is new already."""
    kept = directory.parent / REPLACED / f"{directory.name}-{datetime.now():%Y-%m-%d_%H-%M-%S-%f}"
    kept.mkdir(parents=True)
    for entry in directory.iterdir():
        if entry.name != ".hydra":
            entry.rename(kept / entry.name)
    return kept
