"""One cell of a sweep: checked before anything runs, and its number for Hydra's sweeper afterwards."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.shell.composing import check_place, experiment_of
from trainer.shell.mistakes import sentence_of


class CellFailed(Exception):
    """A run of a sweep that crashed; its own log has the traceback."""


def checked(config: DictConfig, words: Sequence[str]) -> Experiment:
    """A cell's experiment; ConfigError that names the cell by its words where it can't be run."""
    try:
        experiment = experiment_of(config)
        check_place(experiment)
        return experiment
    except Exception as error:
        raise bad_cell(words, error) from error


def bad_cell(words: Sequence[str], error: Exception) -> ConfigError:
    """The sentence for a cell that can't be run, with the cell. Errors that are no mistakes are raised as they are."""
    sentence = sentence_of(error, words)
    if sentence is None:
        raise error
    return ConfigError(f"{sentence} (The cell: {' '.join(words)}; nothing was run.)")


def objective(directory: Path) -> float:
    """The run's last finite valid/accuracy, NaN where it has none: what a sweeper that searches maximises."""
    metrics = directory / "metrics.jsonl"
    rows = (
        (json.loads(line) for line in reversed(metrics.read_text(encoding="utf-8").splitlines()))
        if metrics.exists()
        else ()
    )
    values = (row.get("valid/accuracy") for row in rows)
    return next((value for value in values if value is not None and math.isfinite(value)), math.nan)
