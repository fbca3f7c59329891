"""A command line that trains, or shows a configuration: Hydra composes it, we check it, name its directory and hand it over."""

from __future__ import annotations

import argparse
import copy
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import configure_log, run_job
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from trainer.errors import ConfigError
from trainer.report.files import CONFIG, SUMMARY
from trainer.report.guarded import announce
from trainer.report.planned import plan
from trainer.run.directories import claim, taken, unwritable
from trainer.shell.base import use_run
from trainer.shell.choices import unknown_key
from trainer.shell.composing import Composer, check_place, experiment_of, fits
from trainer.shell.environment import restrict_environment
from trainer.shell.hydra_private import Hydra, choose_defaults, context, search_path
from trainer.shell.mistakes import check_no_sweep, check_words, hydras_errors
from trainer.shell.paths import home
from trainer.shell.settings import check_recipes, check_settings, check_working_directory
from trainer.shell.sweeping import check_sweep, sweep
from trainer.terminal.printable import command


def carry_out(options: argparse.Namespace, conf: Path) -> int:
    """Do what the options ask for; returns the exit code. Raises ConfigError, or an error of Hydra's, for a mistake."""
    choose_defaults()
    restrict_environment()
    GlobalHydra.instance().clear()
    hydra = begin_hydra(options, conf)
    try:
        if options.hydra_help:
            hydra.hydra_help(None, options.parser, options)
        elif options.info:
            logging.StreamHandler.handleError = _unwritten  # type: ignore[method-assign,assignment]
            with hydras_errors([]):
                hydra.show_info(options.info, options.config_name, options.overrides)
        else:
            return _compose(hydra, options)
        return 0
    finally:
        GlobalHydra.instance().clear()


def _unwritten(handler: logging.Handler, record: logging.LogRecord) -> None:
    """Hydra logs what `--info` asks for; where logging would drop what can't be written, it is an error like any other."""
    raise  # noqa: PLE0704  # the OSError that logging is handling


def begin_hydra(options: argparse.Namespace, conf: Path) -> Hydra:
    """Hydra with the folders that the options name; where they name a run, `options.config_name` becomes its configuration."""
    main, extra = (_folder(options, key) for key in ("config_path", "config_dir"))
    if options.base is not None:
        options.config_name = use_run(options.base, main or conf, options.argv)
    name = f"{options.config_name}.yaml"
    if extra and (extra / name).exists() and ((main or conf) / name).exists():
        raise ConfigError(
            f"{options.config_dir}/{name} would not be read: {name} is that of conf/. Give it another name."
        )
    hydra = Hydra("train", Composer(search_path(main or conf, extra)))
    GlobalHydra.instance().initialize(hydra)
    return hydra


def _folder(options: argparse.Namespace, key: str) -> Path | None:
    """A folder of configurations that an option names. ConfigError where it is not there, or is a run's directory."""
    typed, option = getattr(options, key), f"--{key.replace('_', '-')}"
    if typed is None:
        return None
    folder = home(typed)
    if not os.path.isdir(folder):
        raise ConfigError(f"There is no directory {typed} for {option}.")
    if (folder / CONFIG).exists() and (folder / SUMMARY).exists():
        again = command(*["-m"] * options.multirun, f"from={typed}", *options.overrides)
        raise ConfigError(f"{typed} is a run's directory. To train its configuration again type: {again}")
    return folder


def _compose(hydra: Hydra, options: argparse.Namespace) -> int:
    overrides = OverridesParser.create(hydra.config_loader).parse_overrides(options.overrides)
    check_words(overrides, options.argv)
    check_working_directory()
    with hydras_errors(overrides):
        config, several = _checked(hydra, options, overrides)
    lines = [str(override.input_line) for override in overrides]
    if several:
        return sweep(hydra, config, lines)
    if options.cfg:
        hydra.show_cfg(options.config_name, lines, options.cfg, options.package, options.resolve)
        return 0
    return _single(hydra, config, overrides)


def _checked(hydra: Hydra, options: argparse.Namespace, overrides: Sequence[Override]) -> tuple[DictConfig, bool]:
    """The composed configuration, and whether it is a sweep's, whose every run is checked too."""
    check_recipes(hydra.config_loader, overrides)
    lines = [str(override.input_line) for override in overrides]
    config = hydra.compose_config(options.config_name, lines, RunMode.MULTIRUN, validate_sweep_overrides=False)
    check_settings(hydra.config_loader, config)
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    if options.multirun or (config.hydra.mode is RunMode.MULTIRUN and not (options.run or options.cfg)):
        check_sweep(hydra, config, overrides, options.argv)
        return config, True
    check_no_sweep(overrides, options.argv)
    for override in overrides:
        if not fits(override, config):
            raise ConfigError(unknown_key(override.key_or_group))
    _check_part(hydra, config, options)
    return config, False


def _check_part(hydra: Hydra, config: DictConfig, options: argparse.Namespace) -> None:
    """ConfigError for a part of the configuration that --package asks for and that --cfg would not show."""
    if options.package not in (None, "_global_"):
        shown = hydra.get_sanitized_cfg(copy.deepcopy(config), options.cfg)
        if OmegaConf.select(shown, options.package) is None:
            raise ConfigError(f"--package {options.package}: --cfg {options.cfg} shows no such part, or it is null.")


def _single(hydra: Hydra, config: DictConfig, overrides: Sequence[Override]) -> int:
    """Train one experiment in a directory of its own, `.hydra/` included as by Hydra itself."""
    experiment = experiment_of(config)
    check_place(experiment)
    wanted = home(config.hydra.run.dir)
    with taken(claim, wanted.parent, experiment.name or wanted.name) as directory:
        announce(plan(experiment, directory))
        from trainer.run.run import run_single  # torch: seconds
        from trainer.run.stack_run import Job

        config.hydra.mode, config.hydra.run.dir = RunMode.RUN, str(directory)
        job = Job(experiment, directory, tuple(config.hydra.overrides.task))
        hydras = context(hydra.config_loader, config)
        with hydras_errors(overrides):
            try:
                done = run_job(lambda _: run_single(job), config, "hydra.run.dir", None, hydras)
            except OSError as error:  # from Hydra's own files; what a run raises, Hydra keeps in its answer
                raise unwritable(directory, error) from error
    return int(done.return_value)
