"""A sweep: every cell is composed and checked before anything is written, then Hydra's sweeper and launcher take over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from omegaconf import DictConfig, OmegaConf

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.report.guarded import announce
from trainer.report.planned import plan
from trainer.run.directories import claim, reuse, taken, unwritable
from trainer.shell.cells import (
    CellFailed,
    bad_cell,
    check_different,
    check_recipe,
    checked,
    lacking_key,
    objective,
    recipe_among_others,
)
from trainer.shell.composing import Composer, composer_of, experiment_of, unfit_key
from trainer.shell.hydra_private import (
    Hydra,
    check_sweep_grammar,
    is_basic_sweeper,
    is_sweep_of_its_own,
    make_sweeper,
    product,
)
from trainer.shell.paths import home
from trainer.shell.settings import check_logging, check_places, check_subdirectory

OURS = "hydra_plugins.train_launcher."
MANY = 100  # cells whose composition takes so long that their workers had better import torch meanwhile


def check_sweep(hydra: Hydra, config: DictConfig, overrides: Sequence[Override], argv: Sequence[str]) -> None:
    """Every cell, composed and checked; the sweeper and the launcher, made on trial. `argv` is what was typed."""
    check_sweep_grammar(overrides)
    loader, cells = composer_of(hydra.config_loader), _cells(hydra, config)
    if len(cells) >= MANY and _is_ours(config) and config.hydra.launcher.engine == "local":
        _prepare_workers(str(config.device))
    experiments, lacking = _composed(loader, config, cells, argv)
    for key, without in lacking.items():
        raise lacking_key(key, without, len(cells))
    check_different(experiments, cells)
    if _is_ours(config):
        _check_launcher(config.hydra.launcher, experiments)
        loader.checked = dict(zip(map(tuple, cells), experiments, strict=True))
    make_sweeper(hydra.config_loader, config, run_cell)


def _prepare_workers(device: str) -> None:
    from trainer.sweep.devices import may_have_gpu
    from trainer.sweep.starting import prepare

    if device == "cpu" or not may_have_gpu():
        prepare()


def _composed(
    loader: Composer, config: DictConfig, cells: Sequence[list[str]], argv: Sequence[str]
) -> tuple[list[Experiment], dict[str, list[list[str]]]]:
    """The experiment of each cell, and the cells that lack a key, by that key."""
    lacking: dict[str, list[list[str]]] = {}
    experiments = []
    parts: WeakValueDictionary[int, DictConfig] = WeakValueDictionary()  # by id, which another may have after their end
    for number, words in enumerate(cells):
        try:
            cell, whole = loader.cell(config, words) if _is_ours(config) else _whole(loader, config, words)
        except Exception as error:
            if is_sweep_of_its_own(error):
                raise recipe_among_others(words, argv) from error
            if (key := unfit_key(error)) is None:
                raise bad_cell(words, error) from error
            lacking.setdefault(key, []).append(words)
            continue
        if parts.get(id(whole)) is not whole:  # Hydra's own part is that of all cells with the same words: checked once
            _check_hydras_part(loader, whole, config, words, argv)
        parts[id(whole)] = whole
        if not _is_ours(config):
            check_subdirectory(whole, number)
        experiments.append(checked(cell, words, here=config.hydra.launcher.get("engine", "local") == "local"))
    return experiments, lacking


def _whole(loader: Composer, config: DictConfig, words: list[str]) -> tuple[Mapping[Any, Any], DictConfig]:
    cell = loader.load_sweep_config(config, words)
    return cell, cell


def _check_hydras_part(
    loader: Composer, cell: DictConfig, config: DictConfig, words: Sequence[str], argv: Sequence[str]
) -> None:
    check_recipe(cell, config, words, argv)
    if cell.hydra.job_logging != config.hydra.job_logging:
        check_logging(loader, cell)
    try:
        check_places(cell)
    except ConfigError as error:
        raise bad_cell(words, error) from error


def _is_ours(config: DictConfig) -> bool:
    return str(config.hydra.launcher._target_).startswith(OURS)


def sweep(hydra: Hydra, config: DictConfig, lines: Sequence[str]) -> int:
    """Leave the sweep to Hydra's sweeper and launcher."""
    wanted, name = home(config.hydra.sweep.dir), config.name
    place = reuse if name and _is_ours(config) else claim
    own = [line for line in lines if not line.startswith(("hydra.mode=", "hydra.sweep.dir="))]
    with taken(place, wanted.parent, name or wanted.name) as directory:
        announce(f"{_count(hydra)}: {' '.join(own)}; in {directory}")
        quoted = QuotedString(str(directory), Quote.single).with_quotes()
        settings = ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={quoted}"]
        try:
            hydra.multirun(config.hydra.job.config_name, run_cell, [*own, *settings])
        except OSError as error:  # from Hydra's own files: the disk is full before the sweep has begun
            raise unwritable(directory, error) from error
    return 0


def _count(hydra: Hydra) -> str:
    """How many runs a sweep has, where that is known before it begins."""
    checked = len(composer_of(hydra.config_loader).checked)
    return f"{checked:,} {'run' if checked == 1 else 'runs'}" if checked else "A sweep"


def _cells(hydra: Hydra, config: DictConfig) -> list[list[str]]:
    """The overrides of each cell as Hydra's own sweeper will list them; other sweepers choose theirs while they run."""
    sweeper = config.hydra.sweeper
    if not is_basic_sweeper(sweeper._target_):
        return []
    words = [f"{key}={value}" for key, value in (sweeper.params or {}).items()] + list(config.hydra.overrides.task)
    overrides = OverridesParser.create(hydra.config_loader).parse_overrides(words)
    for override in overrides:
        if override.is_interval_sweep():
            raise ConfigError(
                f"{override.input_line} is no list of values: type one, or choose a sweeper that searches."
            )
    cells = product(overrides, sweeper.max_batch_size)
    if not cells:
        raise ConfigError(f"{' '.join(words)} leaves nothing to train: one of the lists is empty.")
    return cells


def _check_launcher(launcher: DictConfig, experiments: Sequence[Experiment]) -> None:
    from trainer.sweep.cells import Cell, SweepSettings, check_prunable
    from trainer.sweep.engines import engine_of

    plain: Any = OmegaConf.to_container(launcher, resolve=True)
    settings = SweepSettings.of(plain)
    engine_of(settings, Path()).check({experiment.device for experiment in experiments})
    check_prunable([Cell(experiment, "") for experiment in experiments], settings)


def run_cell(config: DictConfig) -> float:
    """One cell for launchers other than ours: trained alone in the directory that Hydra made; its last valid/accuracy."""
    from trainer.errors import STOPPED, Stopped
    from trainer.run.run import run_single
    from trainer.run.stack_run import Job

    hydra, experiment = HydraConfig.get(), experiment_of(config)
    directory = Path(hydra.runtime.output_dir)
    announce(plan(experiment, directory))
    code = run_single(Job(experiment, directory, tuple(hydra.overrides.task)))
    for status, signalled in STOPPED.items():
        if code == signalled:
            raise Stopped(status)
    if code in (1, 2):
        raise CellFailed(f"{directory} ended with exit code {code}")
    return objective(directory)
