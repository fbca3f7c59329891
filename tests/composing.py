"""Hydra's configuration loader as the command uses it, for tests."""

from __future__ import annotations

from pathlib import Path

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import create_config_search_path
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobRuntime, setup_globals
from hydra.types import RunMode
from omegaconf import DictConfig

from trainer.shell.composing import Composer
from trainer.shell.hydra_private import choose_defaults

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"


def loader(cls: type[ConfigLoaderImpl] = Composer) -> ConfigLoaderImpl:
    choose_defaults()
    setup_globals()
    JobRuntime.instance().set("name", "train")
    return cls(create_config_search_path(str(CONF)))


def compose(loader: ConfigLoaderImpl, *words: str) -> DictConfig:
    return loader.load_configuration("config", list(words), RunMode.MULTIRUN, validate_sweep_overrides=False)


def sweep_of(loader: ConfigLoaderImpl, config: DictConfig) -> list[list[str]]:
    """The words of each cell of a sweep."""
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    overrides = OverridesParser.create(loader).parse_overrides([*params, *config.hydra.overrides.task])
    return BasicSweeper.split_arguments(overrides, None)[0]
