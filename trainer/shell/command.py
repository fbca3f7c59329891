"""A command line that trains, or shows a configuration: Hydra composes it, we check it, name its directory and hand it over."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.core.utils import run_job
from hydra.types import RunMode
from omegaconf import DictConfig

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.run.directories import claim, reuse, unwritable
from trainer.shell.cells import CellFailed, bad_cell, checked, objective
from trainer.shell.composing import Composer, check_place, check_settings, experiment_of, restrict_environment
from trainer.shell.hydra_private import (
    Hydra,
    check_sweep_grammar,
    choose_defaults,
    context,
    is_basic_sweeper,
    product,
    search_path,
)
from trainer.shell.mistakes import check_no_sweep, check_words

OURS = "hydra_plugins.train_launcher.stack_launcher.StackLauncher"


def carry_out(options: argparse.Namespace, conf: Path) -> int:
    """Do what the options ask for; returns the exit code. Raises ConfigError, or an error of Hydra's, for a mistake."""
    choose_defaults()
    restrict_environment()
    GlobalHydra.instance().clear()
    hydra = _hydra(options, conf)
    try:
        if options.shell_completion:
            hydra.shell_completion(options.config_name, options.overrides)
        elif options.hydra_help:
            hydra.hydra_help(None, options.parser, options)
        elif options.info:
            hydra.show_info(options.info, options.config_name, options.overrides)
        else:
            return _compose(hydra, options)
        return 0
    finally:
        GlobalHydra.instance().clear()


def _hydra(options: argparse.Namespace, conf: Path) -> Hydra:
    extra = None if options.config_dir is None else Path(options.config_dir)
    if extra is not None and not extra.is_dir():
        raise ConfigError(f"There is no directory {options.config_dir} for --config-dir.")
    hydra = Hydra("train", Composer(search_path(Path(options.config_path or conf), extra)))
    GlobalHydra.instance().initialize(hydra)
    return hydra


def _compose(hydra: Hydra, options: argparse.Namespace) -> int:
    overrides = OverridesParser.create(hydra.config_loader).parse_overrides(options.overrides)
    check_words(overrides)
    lines = [str(override.input_line) for override in overrides]
    config = hydra.compose_config(options.config_name, lines, RunMode.MULTIRUN, validate_sweep_overrides=False)
    check_settings(config)
    if options.multirun or (config.hydra.mode is RunMode.MULTIRUN and not (options.run or options.cfg)):
        return _sweep(hydra, config, overrides)
    check_no_sweep(overrides)
    if options.cfg:
        hydra.show_cfg(options.config_name, lines, options.cfg, options.package, options.resolve)
        return 0
    return _single(hydra, config)


def _single(hydra: Hydra, config: DictConfig) -> int:
    """Train one experiment in a directory of its own, `.hydra/` included as by Hydra itself."""
    experiment = experiment_of(config)
    check_place(experiment)
    from trainer.run.run import run_single  # torch: seconds
    from trainer.run.stack_run import Job

    wanted = Path(config.hydra.run.dir)
    directory = claim(wanted.parent, experiment.name or wanted.name)
    config.hydra.mode, config.hydra.run.dir = RunMode.RUN, str(directory)
    job = Job(experiment, directory, tuple(config.hydra.overrides.task))
    try:
        return int(
            run_job(
                lambda _: run_single(job), config, "hydra.run.dir", None, context(hydra.config_loader, config)
            ).return_value
        )
    except OSError as error:  # from Hydra's own files: the disk is full before the run has begun
        shutil.rmtree(directory, ignore_errors=True)
        raise unwritable(directory, error) from error


def _sweep(hydra: Hydra, config: DictConfig, overrides: Sequence[Override]) -> int:
    """Check every cell, then leave the sweep to Hydra's sweeper and launcher."""
    check_sweep_grammar(overrides)
    experiments = [_check_cell(hydra, config, cell) for cell in _cells(hydra, config)]
    ours = config.hydra.launcher._target_ == OURS
    if ours:
        _check_settings(config.hydra.launcher, experiments)
    wanted, name = Path(config.hydra.sweep.dir), config.name
    place = reuse if name and ours else claim
    chosen = place(wanted.parent, name or wanted.name)
    directory = QuotedString(str(chosen), Quote.single).with_quotes()
    lines = [str(override.input_line) for override in overrides]
    settings = ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={directory}"]
    try:
        hydra.multirun(config.hydra.job.config_name, run_cell, [*lines, *settings])
    except OSError as error:  # from Hydra's own files: the disk is full before the sweep has begun
        raise unwritable(chosen, error) from error
    return 0


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
    cells = product(overrides)
    if not cells:
        raise ConfigError(f"{' '.join(words)} leaves nothing to train: one of the lists is empty.")
    return cells


def _check_cell(hydra: Hydra, config: DictConfig, words: Sequence[str]) -> Experiment:
    try:
        cell = hydra.config_loader.load_sweep_config(config, list(words))
    except Exception as error:
        raise bad_cell(words, error) from error
    return checked(cell, words)


def _check_settings(launcher: DictConfig, experiments: Sequence[Experiment]) -> None:
    from trainer.sweep.cells import Cell, SweepSettings, check_prunable

    settings = SweepSettings(launcher.workers, launcher.prune, launcher.fail_fast)
    check_prunable([Cell(experiment, "") for experiment in experiments], settings)


def run_cell(config: DictConfig) -> float:
    """One cell for launchers other than ours: trained alone in the directory that Hydra made; its last valid/accuracy."""
    from trainer.errors import STOPPED, Stopped
    from trainer.run.run import run_single
    from trainer.run.stack_run import Job

    hydra = HydraConfig.get()
    directory = Path(hydra.runtime.output_dir)
    code = run_single(Job(experiment_of(config), directory, tuple(hydra.overrides.task)))
    for status, signalled in STOPPED.items():
        if code == signalled:
            raise Stopped(status)
    if code in (1, 2):
        raise CellFailed(f"{directory} ended with exit code {code}")
    return objective(directory)
