"""What this program uses of Hydra's private interfaces, all of it here; `tests/shell/test_hydra_private.py` says what each is for
and what to do when one is gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig

__all__ = ["ConfigLoaderImpl", "Hydra", "check_sweep_grammar", "context", "override_dirname", "product", "search_path"]


def search_path(conf: Path, extra: Path | None) -> ConfigSearchPath:
    """Where configurations are looked for: `conf`, and before it `extra`. Public programs get theirs from a decorator."""
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


def product(overrides: Sequence[Override], batch: int | None = None) -> list[list[str]]:
    """The words of each cell, as Hydra's own sweeper lists them, `batch` of them at a time."""
    return [cell for cells in BasicSweeper.split_arguments(list(overrides), batch) for cell in cells]


def make_sweeper(loader: ConfigLoader, config: DictConfig, task: TaskFunction) -> None:
    """Make the sweeper and the launcher that a configuration asks for; raises their errors where they can't be made."""
    Plugins.instance().instantiate_sweeper(hydra_context=context(loader, config), task_function=task, config=config)


def override_dirname(overrides: Sequence[Override], settings: DictConfig) -> str:
    """`hydra.job.override_dirname` of a cell."""
    return get_overrides_dirname(list(overrides), **{str(key): value for key, value in settings.items()})


def package_of(loader: ConfigLoader, path: str) -> str | None:
    """The @package line of a configuration file, '' without one; None where there is no such file."""
    assert isinstance(loader, ConfigLoaderImpl)
    found = loader.repository.load_config(path)
    return None if found is None else found.header.get("package") or ""
