"""What a run has to tell at one moment. The trainer makes records; console, TensorBoard and files read them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One run's metrics after `step` updates.

    `run` is its place in the list of experiments trained together, `epoch` counts passes over the training set (whole where
    one has just ended), `seconds` is the training time so far, evaluation excluded. `metrics` has the contract's names.
    `status`: running, completed, diverged or pruned; the last three say that this record is the run's last.
    """

    run: int
    epoch: float
    step: int
    seconds: float
    metrics: dict[str, float]
    status: str = "running"
