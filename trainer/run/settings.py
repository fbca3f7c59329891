"""What `train resume` may be given: how long to train, and what is no part of what a run is. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.data.datasets import Dataset, Mnist
from trainer.errors import ConfigError
from trainer.experiment import SECTIONS, Experiment
from trainer.identity import HOUSEKEEPING, may_be_given
from trainer.report.files import CHECKPOINT

PLACES = ("dataset.root", "dataset.path")


def check_settings(settings: Mapping[str, Any]) -> None:
    """ConfigError for a key that decides what a run is."""
    for key in settings:
        if not may_be_given(key):
            allowed = ["epochs", "dataset.path", *(k for k in HOUSEKEEPING if may_be_given(k))]
            raise ConfigError(
                f"{key} can't be changed by resuming: start a new run for another {key}. "
                f"Allowed here: {', '.join(f'{k}.*' if k in SECTIONS else k for k in allowed)}."
            )


def changed(experiment: Experiment, settings: Mapping[str, Any]) -> Experiment:
    """The experiment with `settings`, flat dotted keys; a place is taken from the working directory, once and for all.

    Raises ConfigError for a key that it does not have or that may not be changed, and for a value that is not allowed.
    """
    check_settings(settings)
    config = experiment.to_dict()
    for key, value in settings.items():
        group, _, field = key.partition(".")
        if key in PLACES and isinstance(value, str):
            value = str(Path(value).expanduser().absolute())
        if field and isinstance(config.get(group), dict):
            config[group][field] = value
        else:
            config[key] = value
    changed = Experiment.from_dict(config)
    return changed if "dataset.root" in settings else replace(changed, dataset=located(changed.dataset))


def no_checkpoint(directory: Path, cure: str) -> ConfigError:
    """The answer where a complete run is to be trained further and its checkpoint is gone: to begin anew in the same
    directory would throw its results away."""
    return ConfigError(
        f"{directory} is complete and its {CHECKPOINT} is gone (checkpoint.keep=false removes it), so it can't be trained "
        f"further. {cure}"
    )


def located(dataset: Dataset) -> Dataset:
    """The data set at the root in TRAIN_DATA, where its files are there and no longer at its own."""
    other = os.environ.get("TRAIN_DATA")
    if not other or not isinstance(dataset, Mnist) or dataset.is_there():
        return dataset
    moved = replace(dataset, root=str(Path(other).expanduser().absolute()))
    return moved if moved.is_there() else dataset
