"""Runs in this process that stop where they are told to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.data.tensors import Tensors
from trainer.experiment import Experiment
from trainer.run.stack_run import Job, StackRun


class Nobody:
    """Watches nothing."""

    def tick(self, step: int, seconds: float) -> None: ...

    def record(self, record: Any) -> None: ...


def go(
    directories: Path | Sequence[Path],
    experiments: Experiment | Sequence[Experiment],
    data: Tensors,
    stop: int | None = None,
    resumed: bool = False,
) -> StackRun:
    """Train in `directories`, to the end or to an update."""
    directories = [directories] if isinstance(directories, Path) else directories
    experiments = [experiments] if isinstance(experiments, Experiment) else experiments
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
    run = StackRun([Job(e, d) for e, d in zip(experiments, directories, strict=True)], data, resumed)
    run.train(Nobody(), lambda: "interrupted" if run.training.state.step == stop else None)
    return run
