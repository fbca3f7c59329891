"""What this program uses of Hydra's private interfaces, and where Hydra 1.3 and 1.4 differ, all of it here.

`tests/shell/test_hydra_private.py` says what each is for and what to do when it is gone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra import __version__, version
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException
from hydra.plugins.config_source import ConfigResult
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf

__all__ = [
    "ConfigLoaderImpl",
    "Hydra",
    "Repository",
    "check_sweep_grammar",
    "choose_defaults",
    "context",
    "installed_choice",
    "is_basic_sweeper",
    "is_sweep_of_its_own",
    "keep",
    "product",
    "replace_resolver",
    "search_path",
]

IS_1_3 = __version__.startswith("1.3.")

USERS = ("main", "command-line")
"""The providers of conf/ (or --config-path) and of --config-dir in a search path."""


class Repository(ConfigRepository):
    """Hydra's files, each read once a command: Hydra copies the repository for each composition, and reads all of them again."""

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        super().initialize_sources(config_search_path)
        self.read: dict[str, ConfigResult | None] = {}

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self.read:
            self.read[config_path] = super().load_config(config_path)
        return copy.deepcopy(self.read[config_path])  # compositions change what they are given

    def __deepcopy__(self, memo: object) -> Repository:
        return copy.copy(self)  # with what was read, until it gets sources of its own


def choose_defaults() -> None:
    """Have Hydra 1.3 behave as 1.3 rather than as 1.1. Hydra 1.4 has no other behaviour, and warns where it is asked for."""
    if IS_1_3:
        version.setbase("1.3")


def replace_resolver(name: str, function: Callable[..., object]) -> None:
    """Have `${name:...}` in configurations answered by `function`. OmegaConf 2.4 renamed what does that."""
    register: Callable[..., None] = OmegaConf.register_new_resolver if IS_1_3 else OmegaConf.register_resolver
    register(name, function, replace=True)


def search_path(conf: Path, extra: Path | None) -> ConfigSearchPath:
    """Where configurations are looked for: in `conf`, then in `extra`. Public programs get theirs from a decorator."""
    path = create_config_search_path(str(conf.absolute()))
    if extra is not None:
        path.prepend("command-line", f"file://{extra.absolute()}", SearchPathQuery(provider="schema"))
    return path


def context(loader: ConfigLoader, config: DictConfig) -> HydraContext:
    """What Hydra's `run_job` needs beside the configuration."""
    return HydraContext(loader, Callbacks(config))


def check_sweep_grammar(overrides: Sequence[Override]) -> None:
    """Hydra's own check of a sweep's words; raises its errors."""
    ConfigLoaderImpl.validate_sweep_overrides_legal(list(overrides), RunMode.MULTIRUN, from_shell=True)


def is_basic_sweeper(target: str) -> bool:
    """Whether a sweeper is Hydra's own, whose cells are all combinations."""
    return target.endswith(BasicSweeper.__name__)


def is_sweep_of_its_own(error: Exception) -> bool:
    """Whether a cell could not be composed because its words change the sweep itself, which Hydra 1.4 refuses."""
    return isinstance(error, ConfigCompositionException) and "before the sweep starts" in str(error)


def keep(name: str, node: object, group: str | None = None, provider: str | None = None) -> None:
    """Make a configuration known to Hydra, in the place of an earlier one. Hydra 1.4 wants to be told that this is meant."""
    again = {} if IS_1_3 else {"replace": True}
    store: Callable[..., None] = ConfigStore.instance().store
    store(name=name, node=node, group=group, provider=provider, **again)


def product(overrides: Sequence[Override], batch: int | None = None) -> list[list[str]]:
    """The words of each cell, as Hydra's own sweeper lists them, `batch` of them at a time."""
    return [cell for cells in BasicSweeper.split_arguments(list(overrides), batch) for cell in cells]


def make_sweeper(loader: ConfigLoader, config: DictConfig, task: TaskFunction) -> None:
    """Make the sweeper and the launcher that a configuration asks for; raises their errors where they can't be made."""
    Plugins.instance().instantiate_sweeper(hydra_context=context(loader, config), task_function=task, config=config)


def package_of(loader: ConfigLoader, path: str) -> str | None:
    """The @package line of a configuration file, '' without one; None where there is no such file."""
    assert isinstance(loader, ConfigLoaderImpl)
    found = loader.repository.load_config(path)
    return None if found is None else found.header.get("package") or ""


def installed_choice(loader: ConfigLoader, group: str, word: str) -> object:
    """What a choice of Hydra's own or of an installed plugin holds, as plain data; None where it is a file of the user's."""
    assert isinstance(loader, ConfigLoaderImpl)
    found = loader.repository.load_config(f"{group}/{word}")
    if found is None or found.provider in USERS or found.provider.startswith("hydra.searchpath"):
        return None
    return OmegaConf.to_container(found.config)
