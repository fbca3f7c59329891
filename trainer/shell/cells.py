"""One cell of a sweep: checked before anything runs, and its number for Hydra's sweeper afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.report.reading import read_records
from trainer.shell.choices import unknown_key
from trainer.shell.composing import check_place, experiment_of
from trainer.shell.mistakes import sentence_of
from trainer.shell.options import retyped


class CellFailed(Exception):
    """A run of a sweep that crashed; its own log has the traceback."""


def checked(config: Mapping[Any, Any], words: Sequence[str], here: bool = True) -> Experiment:
    """A cell's experiment; ConfigError that names the cell by its words where it can't be run, or not `here` where it is to."""
    try:
        experiment = experiment_of(config)
        check_place(experiment, here)
        return experiment
    except Exception as error:
        raise bad_cell(words, error) from error


def bad_cell(words: Sequence[str], error: Exception) -> ConfigError:
    """The sentence for a cell that can't be run, with the cell. Errors that are no mistakes are raised as they are."""
    sentence = sentence_of(error, words)
    if sentence is None:
        raise error
    return ConfigError(f"{sentence} (In run {' '.join(words)}. Nothing was started.)")


def check_recipe(cell: DictConfig, sweep: DictConfig, words: Sequence[str], argv: Sequence[str]) -> None:
    """ConfigError for a recipe that says how a sweep is made where it is one of several: its settings would be dropped."""
    if any(cell.hydra[part] != sweep.hydra[part] for part in ("mode", "sweeper", "launcher")):
        raise recipe_among_others(words, argv)


def recipe_among_others(words: Sequence[str], argv: Sequence[str]) -> ConfigError:
    """The sentence for it."""
    recipe = next((word for word in words if word.startswith("experiment=")), " ".join(words))
    several = next((word for word in argv if word.startswith("experiment=")), recipe)
    return ConfigError(
        f"{recipe} is a sweep itself, and can't be one of several recipes: give each a command of its own. "
        f"Type: {retyped(argv, several, recipe)}"
    )


def check_different(experiments: Sequence[Experiment], cells: Sequence[Sequence[str]]) -> None:
    """ConfigError where two cells of a sweep are the same run."""
    first: dict[Experiment, Sequence[str]] = {}
    for experiment, words in zip(experiments, cells, strict=True):
        if experiment in first:
            same = [" ".join(first[experiment]), " ".join(words)]
            raise ConfigError(
                f"Two runs of this sweep are the same, {' and '.join(dict.fromkeys(same))}: leave one of them out."
            )
        first[experiment] = words


def lacking_key(key: str, lacking: Sequence[Sequence[str]], count: int) -> ConfigError:
    """The sentence for a key that `lacking` of a sweep's `count` cells do not have."""
    if len(lacking) == count:
        return ConfigError(unknown_key(key))
    choice = f"{key.partition('.')[0]}="
    whose = dict.fromkeys(
        next((word for word in words if word.startswith(choice)), " ".join(words)) for words in lacking
    )
    return ConfigError(
        f"{key} is unknown to {len(lacking)} of {count} runs, those with {', '.join(whose)}: leave it out, "
        "or train those in a sweep of their own."
    )


def objective(directory: Path) -> float:
    """The run's last finite valid/accuracy, NaN where it has none: what a sweeper that searches maximises."""
    metrics = directory / "metrics.jsonl"
    rows = list(read_records(metrics, keys=())) if metrics.exists() else []
    values = (row.get("valid/accuracy") for row in reversed(rows))
    return next((value for value in values if value is not None and math.isfinite(value)), math.nan)
