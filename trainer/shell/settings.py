"""Settings of Hydra's own: those that this program's promises exclude, and those that Hydra itself would stumble over."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from trainer.errors import ConfigError
from trainer.shell.hydra_private import installed_choice, package_of
from trainer.shell.options import as_sweep, retyped


def misused(o: Override, argv: Sequence[str]) -> str | None:
    """The sentence for a word of Hydra's that can't be typed, None for all others. `argv` is the whole command."""
    key, typed = o.key_or_group, str(o.input_line)
    if key.endswith("_target_"):
        return f"{typed}: a configuration can't name code. Choose by a word, as in hydra/launcher=basic."
    if key.startswith("hydra.sweeper.params"):
        return f"{typed}: that is for recipes, which are files. Type: {retyped(as_sweep(argv), typed, *_params(o))}"
    if key == "hydra":
        return f"{typed}: Hydra's settings are set one by one, as in hydra.run.dir=runs/mine."
    if "/" in key and isinstance(o.value(), list | dict):
        return f"{typed}: {key} takes one word."
    return None


def _params(o: Override) -> list[str]:
    """A sweep that was meant for Hydra's sweeper, as words of the command."""
    key, value = o.key_or_group.removeprefix("hydra.sweeper.params").lstrip("."), o.value()
    if isinstance(value, dict):
        return [f"{name}={values}" for name, values in value.items()]
    return [f"{key or 'seed'}={value if isinstance(value, str) else str(o.input_line).partition('=')[2]}"]


def check_settings(loader: ConfigLoader, config: DictConfig) -> None:
    """ConfigError for settings of a composed configuration that can't be followed."""
    hydra = config.hydra
    if hydra.job.env_copy:
        raise ConfigError("hydra.job.env_copy would write environment variables into outputs: leave it out.")
    if hydra.job.env_set:
        raise ConfigError(
            "hydra.job.env_set: a run's environment is never changed. Set variables in the shell instead."
        )
    if hydra.job.chdir:
        raise ConfigError("hydra.job.chdir=true: the working directory of a run is never changed. Leave it out.")
    if hydra.callbacks:
        raise ConfigError("hydra.callbacks would run code that a configuration names: leave it out.")
    if not isinstance(hydra.verbose, bool | str) and not OmegaConf.is_list(hydra.verbose):
        raise ConfigError(f"hydra.verbose={hydra.verbose} is not allowed: it must be true, false or names of loggers.")
    check_logging(loader, config)
    check_places(config)


def check_logging(loader: ConfigLoader, config: DictConfig) -> None:
    """ConfigError for logging that is not exactly a choice of Hydra's or of an installed plugin.

    Logging is configured by names of classes and files: a stranger's could run code, or write anywhere.
    """
    for part in ("job_logging", "hydra_logging"):
        word = str(config.hydra.runtime.choices[f"hydra/{part}"])
        chosen = installed_choice(loader, f"hydra/{part}", word)
        if chosen is None or OmegaConf.to_container(config.hydra[part]) != chosen:
            raise ConfigError(
                f"hydra.{part}: logging names code, and a configuration can't. "
                f"Choose it by a word of Hydra's, as in hydra/{part}=default."
            )


def check_working_directory() -> None:
    """ConfigError in a directory whose name is no plain text for Hydra, which keeps it in its configuration."""
    if "${" in (here := os.getcwd()):
        raise ConfigError(
            f"{here} has ${{ in its name, which configurations take for a reference: start from another directory."
        )


def check_places(config: DictConfig) -> None:
    """ConfigError where a run or a sweep would be written to no directory, or files of Hydra's outside the run's own."""
    hydra = config.hydra
    for key, place in {"hydra.run.dir": hydra.run.dir, "hydra.sweep.dir": hydra.sweep.dir}.items():
        if not str(place).strip("./"):
            raise ConfigError(f"{key}={place} names no directory: leave it out, or type one, for instance runs/mine.")
    if not re.fullmatch(r"\w[\w.-]*", str(hydra.job.name), re.ASCII):
        raise ConfigError(
            f"hydra.job.name={hydra.job.name} is not allowed: it must be a plain name, for instance train."
        )
    folder = hydra.output_subdir
    if folder is not None and not re.fullmatch(r"\.?\w[\w-]*", str(folder), re.ASCII):
        raise ConfigError(
            f"hydra.output_subdir={folder} is not allowed: it must be null or the name of a folder in the run's directory, "
            "for instance .hydra."
        )


def check_subdirectory(cell: DictConfig, number: int) -> None:
    """The same for a cell of a launcher other than ours, whose directory is named by hydra.sweep.subdir."""
    cell = cell.copy()
    OmegaConf.set_readonly(cell.hydra, False)
    cell.hydra.job.num = number
    parts = str(cell.hydra.sweep.subdir).split("/")
    if not all(part and part != ".." for part in parts):
        raise ConfigError(
            f"hydra.sweep.subdir={cell.hydra.sweep.subdir} is not allowed: each run has a directory of its own in the sweep's."
        )


def check_recipes(loader: ConfigLoader, overrides: Sequence[Override]) -> None:
    """ConfigError for a recipe whose first line does not say that its keys are those of the whole configuration."""
    for override in overrides:
        if override.key_or_group != "experiment":
            continue
        for word in override.sweep_string_iterator() if override.is_discrete_sweep() else [override.value()]:
            if package_of(loader, f"experiment/{word}") not in (None, "_global_"):
                raise ConfigError(
                    f"experiment={word} sets nothing as it is: write '# @package _global_' into the first line of its file."
                )
