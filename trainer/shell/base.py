"""`from=RUN_DIR`: the configuration of a run as the one that the words of the command line change.

Hydra is given another main configuration. Its defaults list chooses `from` in each group, and that choice holds the run's own
numbers, so that another word takes its own defaults, and recipes, sweeps and single keys work as they do without `from=`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from trainer.errors import ConfigError
from trainer.experiment import GROUPS, Experiment
from trainer.report.files import CONFIG
from trainer.report.plain import Unreadable
from trainer.report.reading import read_config
from trainer.shell.choices import FROM_RUN
from trainer.shell.hydra_private import keep
from trainer.shell.options import FROM, quote_home, retyped
from trainer.shell.paths import home

OWN = ("name", "threads")
"""What belongs to the old run alone: its directory, and how many threads a sweep left for it, which changes no result."""


def use_run(directory: str, conf: Path, argv: Sequence[str]) -> str:
    """Make the configuration of the run in `directory` known to Hydra; returns the name it has there.

    `conf` is the folder with config.yaml, which has Hydra's settings, `argv` the whole command. Raises ConfigError where there
    is no such run.
    """
    if runs := _runs_in(home(directory)):
        one = retyped(argv, quote_home(f"{FROM}{directory}"), f"{FROM}{runs[0]}")
        raise ConfigError(f"from={directory} is no run's directory, but holds runs: choose one of them. Type: {one}")
    config = _read(home(directory))
    plain = {key: _escaped(value) for key, value in config.items() if key not in OWN}
    for group in GROUPS:
        keep(FROM_RUN, plain.pop(group), group, provider=f"from={directory}")
    main = yaml.safe_load((conf / "config.yaml").read_text(encoding="utf-8"))
    defaults = [_choice(entry) for entry in main["defaults"]]
    keep(FROM_RUN, {**main, **plain, "defaults": defaults}, provider=f"from={directory}")
    return FROM_RUN


def _choice(entry: Any) -> Any:
    return (
        {group: FROM_RUN if group in GROUPS else word for group, word in entry.items()}
        if isinstance(entry, dict)
        else entry
    )


def _read(directory: Path) -> dict[str, Any]:
    """A run's configuration, checked and with every key."""
    path = directory / CONFIG
    if not os.path.isdir(directory):
        raise ConfigError(f"from={directory}: there is no such directory.")
    try:
        config = read_config(path)
    except Unreadable as error:
        raise ConfigError(f"from={directory}: {CONFIG} can't be read: {error}.") from None
    except OSError:
        raise ConfigError(f"from={directory} is no run's directory: it has no {CONFIG}.") from None
    try:
        experiment = Experiment.from_dict(config)
        asked = Experiment.from_dict({**config, "batch_size": None})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    own_batch = {"batch_size": None} if experiment == asked else {}  # its optimizer's: another optimizer has its own
    return experiment.to_dict() | own_batch


def _runs_in(directory: Path) -> list[Path]:
    """The runs in a directory that is no run's itself."""
    if os.path.isfile(directory / CONFIG) or not os.path.isdir(directory):
        return []
    return sorted(path.parent for path in directory.glob(f"*/{CONFIG}"))


def _escaped(value: Any) -> Any:
    """Plain data in which a text with ${…} is no reference: a run's configuration holds none."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value) if isinstance(value, str) else value
