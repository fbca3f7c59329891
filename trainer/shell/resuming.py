"""`train resume`: a directory, of whatever it holds, and settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.records import Status
from trainer.report.files import CONFIG, STUDY, SUMMARY
from trainer.report.guarded import announce
from trainer.report.planned import plan
from trainer.report.reading import read_config, read_summary
from trainer.run.directories import is_setting
from trainer.shell.choices import dotted, takes_text, top_level, unknown_key
from trainer.shell.options import check_once
from trainer.shell.paths import home


def main(words: Sequence[str]) -> int:
    """Go on with a run, a sweep or a study; its exit code. Raises ConfigError."""
    from trainer.sweep.cells import SWEEP

    directory, settings = parse_resume(words)
    if (directory / STUDY).exists():
        from trainer.study.starting import resume as resume_study

        if settings:
            raise ConfigError(
                "A study can't be changed by resuming: leave out the settings, or ask anew under another name."
            )
        return resume_study(directory)
    if (directory / SWEEP).exists():
        from trainer.sweep.sweep import resume_sweep

        return resume_sweep(directory, settings)
    _announce(directory, settings)
    from trainer.run.run import resume  # torch: seconds

    return resume(directory, settings)


def _announce(directory: Path, settings: Mapping[str, Any]) -> None:
    """What is about to go on, where it can be told; if not, `resume` says why."""
    with suppress(OSError, ValueError, TypeError):
        config = read_config(directory / CONFIG)
        if read_summary(directory / SUMMARY)["status"] != Status.COMPLETED or "epochs" in settings:
            longer = {key: value for key, value in settings.items() if key == "epochs"}
            announce(plan(Experiment.from_dict(config | longer), directory))


def parse_resume(words: Sequence[str]) -> tuple[Path, dict[str, Any]]:
    """The directory of `train resume RUN_DIR [key=value …]`, and the settings as flat dotted keys with plain values.

    Which of them may be changed, and to what, is decided where the run is known. Raises ConfigError.
    """
    settings = [word for word in words if is_setting(word)]
    directories = [word for word in words if word not in settings]
    if len(directories) != 1 or directories[0].startswith("-"):
        raise ConfigError(
            "train resume takes one directory, for instance one below runs/: train resume RUN_DIR [epochs=N]."
        )
    directory = directories[0]
    if not os.path.isdir(home(directory)):  # unlike Path.is_dir, it takes names that no directory can have
        raise ConfigError(f"There is no directory {directory} to resume.")
    return home(directory), _parsed(settings)


def _parsed(settings: Sequence[str]) -> dict[str, Any]:
    pairs = [(key, text) for key, _, text in (setting.partition("=") for setting in settings)]
    for key, _ in pairs:
        if key not in (*top_level(), *dotted()):
            raise ConfigError(unknown_key(key))
    check_once(settings)
    return {key: _scalar(text, as_text=takes_text(key)) for key, text in pairs}


def _scalar(text: str, as_text: bool) -> Any:
    """null, true, false and numbers as Hydra reads them; all else, and what can only be text, as it is."""
    words = {"null": None} if as_text else {"null": None, "true": True, "false": False}
    for number in () if as_text or text in words else (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return words.get(text, text)
