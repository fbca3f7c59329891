"""The options beside key=value, and the words after `train resume`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from trainer.errors import ConfigError

INFO = ["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[:1].upper()}{message[1:]}. See: train --help")


def parse_options(argv: Sequence[str]) -> argparse.Namespace:
    """The options of Hydra's programs, all but --experimental-rerun: that loads a pickle, which could run anything."""
    parser = _Parser(prog="train", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("overrides", nargs="*", help="key=value")
    add("--multirun", "-m", action="store_true", help="train every combination of the values given")
    add("--run", "-r", action="store_true", help="train one network, even if a recipe asks for a sweep")
    add("--cfg", "-c", choices=["job", "hydra", "all"], help="show the configuration instead of running")
    add("--resolve", action="store_true", help="with --cfg: interpolations replaced by their values")
    add("--package", "-p", help="with --cfg: only this part")
    add("--info", "-i", nargs="?", const="all", choices=INFO, help="show how the configuration comes about")
    add("--hydra-help", action="store_true", help="show this")
    add("--shell-completion", "-sc", action="store_true", help="install=SHELL or uninstall=SHELL: print the script")
    add("--config-path", "-cp", help="take this folder instead of conf/")
    add("--config-name", "-cn", default="config", help="take this file instead of config.yaml")
    add("--config-dir", "-cd", help="look for choices and recipes in this folder too")
    options = parser.parse_intermixed_args(argv)
    options.parser = parser
    if options.multirun and (options.cfg or options.info):
        parser.error("--cfg and --info show the configuration of one run: leave out -m")
    if options.shell_completion and not re.fullmatch(
        r"(install|uninstall|query)=(bash|zsh|fish)", " ".join(options.overrides)
    ):
        parser.error("-sc prints the script for tab completion: type train -sc install=bash, zsh or fish")
    return options


def parse_resume(words: Sequence[str]) -> tuple[Path, int | None]:
    """The directory and the number of epochs of `train resume RUN_DIR [epochs=N]`."""
    directories = [word for word in words if "=" not in word]
    settings = dict(word.split("=", 1) for word in words if "=" in word and word not in directories)
    if len(directories) != 1 or directories[0].startswith("-"):
        raise ConfigError("Type: train resume RUN_DIR [epochs=N], with one directory, for instance one below runs/.")
    for key in settings:
        if key != "epochs":
            raise ConfigError(
                f"{key} can't be changed by resuming, only epochs can: start a new run for another {key}."
            )
    epochs = settings.get("epochs")
    if epochs is not None and not re.fullmatch(r"[0-9]{1,9}", epochs):
        raise ConfigError(f"epochs={epochs} is not allowed: it must be a whole number of at least 0.")
    return Path(directories[0]), None if epochs is None else int(epochs)
