"""Paths as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainer.errors import ConfigError


def home(path: str) -> Path:
    """A path in which ~ is the home directory. ConfigError for a user who has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no home directory {Path(path).parts[0]}.") from None


def config_dir(argv: Sequence[str]) -> Path | None:
    """The folder that --config-dir (-cd) names on a command line, None without one. ConfigError where it is not there."""
    for i, word in enumerate(argv):
        option, equals, value = word.partition("=")
        if option in ("--config-dir", "-cd"):
            named = value if equals else next(iter(argv[i + 1 : i + 2]), "")
            if not named:
                raise ConfigError(f"{option} takes a directory.")
            folder = home(named)
            if not folder.is_dir():
                raise ConfigError(f"There is no directory {folder} for {option}.")
            return folder
    return None
