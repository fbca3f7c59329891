"""What the console is told of a run before its first update."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainer.experiment import Experiment


@dataclass(frozen=True)
class RunInfo:
    """What is trained, where, and how much of it.

    `dataset` is the one really used, `notice` the warning where that is not the one asked for. `device` and `threads` are in
    words. `started_at_step` is 0, or where a resumed run goes on.
    """

    experiment: Experiment
    dataset: str
    notice: str | None
    device: str
    threads: int | str
    parameters: int
    updates: int
    updates_per_epoch: int
    train_samples: int
    valid_samples: int
    test_samples: int
    directory: Path
    started_at_step: int = 0
