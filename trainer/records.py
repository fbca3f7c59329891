"""What a run tells at one moment. The engine makes records; console, TensorBoard and files read them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    DIVERGED = "diverged"  # a loss or a parameter was NaN or infinite
    PRUNED = "pruned"  # left its sweep early, as one of the worse
    INTERRUPTED = "interrupted"  # Ctrl-C, or its process is gone
    TERMINATED = "terminated"  # SIGTERM, or a closed terminal
    FAILED = "failed"
    WAITING = "waiting"  # a cell of a sweep that was never begun


FINISHED = (Status.COMPLETED, Status.DIVERGED)
"""The statuses that are results."""


@dataclass(frozen=True)
class Record:
    """One run's metrics after `step` updates.

    `run` is its index in the list of experiments trained together, `epoch` counts passes over the training set (whole where
    one has just ended), `seconds` is the training time so far, evaluation excluded. `metrics` has the contract's names.
    `status`: running, completed, diverged or pruned; the last three say that this record is the run's last.
    """

    run: int
    epoch: float
    step: int
    seconds: float
    metrics: dict[str, float]
    status: Status = Status.RUNNING
