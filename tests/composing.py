"""Hydra's configuration loader as the command uses it, for tests."""

from __future__ import annotations

from pathlib import Path

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.utils import JobRuntime, setup_globals
from hydra.types import RunMode
from omegaconf import DictConfig

from trainer.shell.composing import Composer

CONF = Path(__file__).parents[1] / "conf"


def loader(cls: type[ConfigLoaderImpl] = Composer) -> ConfigLoaderImpl:
    version.setbase("1.3")
    setup_globals()
    JobRuntime.instance().set("name", "train")
    return cls(create_config_search_path(str(CONF)))


def compose(loader: ConfigLoaderImpl, *words: str) -> DictConfig:
    return loader.load_configuration("config", list(words), RunMode.MULTIRUN, validate_sweep_overrides=False)
