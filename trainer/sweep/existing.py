"""How each cell stands before a sweep begins: finished, to go on from its checkpoint, or to be run from the start."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trainer.errors import CheckpointError
from trainer.experiment import Experiment
from trainer.identity import differences
from trainer.records import Status
from trainer.report.files import CHECKPOINT, CONFIG, SUMMARY
from trainer.report.reading import read_config, read_summary
from trainer.run.lease import LEASE, Taken, is_stale
from trainer.run.settings import no_checkpoint

REPLACED = ".replaced"
"""Below the sweep's directory: where runs of an earlier configuration lie; `train compare` passes over such names."""


@dataclass(frozen=True)
class Existing:
    """`summary` of a finished run; `step` of the checkpoint to go on from, on which data set; all None: from the start.

    `anew`: it was begun, and killed before its first checkpoint. `replaced`: what is there, of another configuration or
    `damaged` (the sentence says how), is to be moved aside, never overwritten.
    """

    summary: dict[str, Any] | None = None
    step: int | None = None
    dataset: str | None = None
    anew: bool = False
    replaced: bool = False
    damaged: str | None = None


def existing(
    experiment: Experiment, directory: Path, results: Collection[str], given: Collection[str] = (), held: bool = False
) -> Existing:
    """How the cell in `directory` stands. Raises Taken where somebody trains there, unless the caller holds it (`held`).

    `results` are the statuses that need no more work. `given` are the keys that `resume` was given anew: with `epochs` among
    them more epochs than before go on from the checkpoint. What was trained with another configuration is `replaced`.
    """
    try:
        summary, config = read_summary(directory / SUMMARY), read_config(directory / CONFIG)
    except (OSError, ValueError):
        return Existing()
    status, extends = summary["status"], "epochs" in given
    changed = differences(experiment.to_dict(), config) - ({*given} - {"epochs"})
    if not held and status == Status.RUNNING and not is_stale(summary, directory):
        raise Taken(directory, summary["process"])
    if not changed and status in results:
        return Existing(summary=summary)
    if changed and not (extends and changed == {"epochs"}):
        return Existing(replaced=True)
    if extends and status in results and status != Status.COMPLETED:
        return Existing(summary=summary)  # diverged or pruned: more epochs don't change that
    if status == Status.COMPLETED and not (directory / CHECKPOINT).exists():
        raise no_checkpoint(directory, "To train longer, repeat the sweep's command with epochs=N and another name.")
    return saved(experiment, directory, given)


def saved(experiment: Experiment, directory: Path, given: Collection[str] = ()) -> Existing:
    """Where the checkpoint stands; from the start where there is none yet, or none that fits."""
    if not (directory / CHECKPOINT).exists():
        return Existing(anew=True)
    from trainer.run import checkpoint  # imports torch, which only an unfinished run needs here

    try:
        found = checkpoint.load(directory)
    except CheckpointError as error:
        return Existing(replaced=True, damaged=str(error))
    if differences(experiment.to_dict(), found.config) - {"epochs", *given}:
        return Existing(replaced=True)
    return Existing(step=found.state.step, dataset=found.dataset)


def move_aside(directory: Path) -> Path:
    """Move a run's files to where neither this sweep nor `train compare` takes them for its own."""
    kept = directory.parent / REPLACED / f"{directory.name}-{datetime.now():%Y-%m-%d_%H-%M-%S-%f}"
    kept.mkdir(parents=True)
    for entry in directory.iterdir():
        if entry.name != LEASE:
            entry.rename(kept / entry.name)
    return kept
