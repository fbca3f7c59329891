"""The runs that `train show` was given, read with care. ConfigError for whatever is none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.report.files import CONFIG, METRICS, SUMMARY
from trainer.report.history import History
from trainer.report.reading import read_config, read_records, read_summary
from trainer.run.lease import status_of
from trainer.terminal.printable import command, printable

MOST = 8  # runs in one picture that can still be told apart


class Shown(NamedTuple):
    """A run with the name that tells it from the others."""

    name: str
    directory: Path
    history: History


def find(directories: Sequence[Path]) -> list[Shown]:
    """The runs in the directories; one that holds runs, as a sweep's does, stands for them. Raises ConfigError."""
    folders = list(dict.fromkeys(chain.from_iterable(_runs(directory) for directory in directories)))
    if len(folders) > MOST:
        some = command("show", *folders[:2])
        raise ConfigError(f"{len(folders)} runs are too many to tell apart; choose up to {MOST}, for instance: {some}")
    return [Shown(name, folder, read(folder)) for name, folder in zip(_names(folders), folders, strict=True)]


def _runs(directory: Path) -> list[Path]:
    if not os.path.exists(directory):  # unlike Path.exists, it takes names that no directory can have
        raise ConfigError(f"There is no directory {printable(directory)}; train show needs a run's, as below runs/.")
    if not directory.is_dir():
        raise ConfigError(f"{printable(directory)} is a file; train show needs the directory of its run.")
    if (directory / CONFIG).exists() or (directory / SUMMARY).exists():
        return [directory]
    try:
        inside = sorted(folder for folder in directory.iterdir() if (folder / CONFIG).is_file())
    except OSError as error:
        raise ConfigError(f"{printable(directory)} can't be read: {error.strerror}.") from None
    if not inside:
        raise ConfigError(
            f"{printable(directory)} holds no run: there is no {CONFIG}, neither in it nor one level below."
        )
    return inside


def read(directory: Path) -> History:
    """A run's files. ConfigError names the one that is missing or that can't be read."""
    path = directory / CONFIG
    try:
        experiment = Experiment.from_dict(read_config(path))
        path = directory / SUMMARY
        summary = read_summary(path)
        path = directory / METRICS
        rows = list(read_records(path))
    except FileNotFoundError:
        raise ConfigError(f"{printable(directory)} is no whole run: it has no {path.name}.") from None
    except (OSError, ValueError) as error:  # ConfigError too: a configuration that this version does not know
        reason = printable(getattr(error, "strerror", None) or error)
        raise ConfigError(f"{printable(path)} can't be read: {reason.rstrip('.')}.") from None
    if not rows:
        raise ConfigError(f"{printable(directory)} has no records yet: the first comes at the end of an epoch.")
    whole = _whole(summary, experiment, rows[-1]) | {"status": status_of(summary, directory)}
    return History(experiment, whole, rows)


def _whole(summary: dict[str, Any], experiment: Experiment, last: dict[str, Any]) -> dict[str, Any]:
    """The summary with what its readers rely on, which a stranger's may lack."""
    counts = {"steps": int(last["step"]), "train_seconds": float(last["seconds"]), "dataset": experiment.dataset.name}
    return counts | {key: value for key, value in summary.items() if value is not None}


def _names(folders: Sequence[Path]) -> list[str]:
    """The last parts of the paths where these differ, else the whole paths."""
    last = [folder.resolve().name for folder in folders]
    return last if len(set(last)) == len(last) else [str(folder) for folder in folders]
