"""Paths as they are typed."""

from __future__ import annotations

from pathlib import Path

from trainer.errors import ConfigError


def home(path: str) -> Path:
    """A path in which ~ is the home directory. ConfigError for a user who has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no home directory {Path(path).parts[0]}.") from None
