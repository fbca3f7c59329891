"""The words of `train study` as a question: which are techniques, which are common to all, and each configuration composed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from trainer.errors import ConfigError
from trainer.experiment import GROUPS, TECHNIQUES, Experiment
from trainer.identity import plain_word
from trainer.schema import hints
from trainer.shell.choices import unknown_key, unknown_word
from trainer.shell.composing import check_place, experiment_of
from trainer.shell.hydra_private import Hydra
from trainer.shell.mistakes import check_words
from trainer.shell.settings import check_settings
from trainer.study.question import SEEDS, Configuration, Question, configurations, factors
from trainer.sweep.cells import SweepSettings

LIMITS = ("margin", "seeds")
WORKERS = "hydra.launcher.workers"
CHOSEN = {
    "seed": "seeds=N says how many may judge at most",
    "optimizer.lr": "each optimizer is tried around its default",
}
"""Keys that a study chooses itself, and what to know instead."""


def compose(hydra: Hydra, options: Namespace) -> tuple[Question, Path, str | None]:
    """The question, the directory that a study without a name would have, and its name. Raises ConfigError, or Hydra's errors."""
    words = options.overrides
    limits = {key: _number(word) for word in words if (key := word.partition("=")[0]) in LIMITS}
    rest = [word for word in words if word.partition("=")[0] not in LIMITS]
    overrides = OverridesParser.create(hydra.config_loader).parse_overrides(rest)
    check_words([override for override in overrides if not _is_list(override)], ["study", *options.argv])
    typed = {o.key_or_group: _words(o) for o in overrides if o.key_or_group in TECHNIQUES}
    common = [o for o in overrides if o.key_or_group not in TECHNIQUES]
    for override in common:
        _check_common(override)
    base = _config(
        hydra, options.config_name, [o for o in common if o.key_or_group.partition(".")[0] not in TECHNIQUES]
    )
    asked = factors({**_of_recipe(base), **typed})
    _check_owned(common, {factor.group: factor.words for factor in asked})
    experiments = {one.key: _experiment(hydra, base, common, one) for one in configurations(asked)}
    workers = SweepSettings(base.hydra.launcher.workers).workers
    question = Question(asked, experiments, limits.get("margin"), limits.get("seeds", SEEDS), workers)
    return question, Path(base.hydra.sweep.dir), base.name


def _number(word: str) -> Any:
    """The value as a number where it is one; what may stand there is checked with the question."""
    text = word.partition("=")[2]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _is_list(override: Override) -> bool:
    return override.key_or_group in TECHNIQUES and override.is_sweep_override()


def _words(override: Override) -> list[str]:
    """The words that are asked about in a group; ConfigError for one that it does not have."""
    group = override.key_or_group
    try:
        words = list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(override.value())]
    except Exception as error:
        raise ConfigError(
            f"{override.input_line} is no list of words: type, for instance, optimizer=sgd,adam."
        ) from error
    for word in words:
        if word not in GROUPS[group]:
            raise ConfigError(unknown_word(group, word, GROUPS[group]))
    return words


def _check_common(override: Override) -> None:
    key = override.key_or_group
    if key in CHOSEN:
        raise ConfigError(f"A study chooses {key} itself; leave it out: {CHOSEN[key]}.")
    if override.is_sweep_override():
        raise ConfigError(
            f"{override.input_line} has several values, and a study compares techniques: lists are for {', '.join(TECHNIQUES)}."
        )
    if override.is_hydra_override() and key != WORKERS:
        raise ConfigError(f"{override.input_line}: of Hydra's settings train study takes {WORKERS} alone.")


def _config(hydra: Hydra, name: str, overrides: Sequence[Override]) -> DictConfig:
    lines = [str(override.input_line) for override in overrides]
    config = hydra.compose_config(name, lines, RunMode.MULTIRUN, validate_sweep_overrides=False)
    check_settings(hydra.config_loader, config)
    return config


def _of_recipe(base: DictConfig) -> dict[str, list[str]]:
    """The techniques that a recipe or a run switches on, and those that a recipe sweeps over. ConfigError where it sweeps over
    other things."""
    chosen = base.hydra.runtime.choices
    words = {group: [_name(base, group)] for group in TECHNIQUES if _name(base, group) != plain_word(group)}
    for key, value in dict(base.hydra.sweeper.params or {}).items():
        if key in TECHNIQUES:
            words[key] = str(value).split(",")
        elif key != "seed":
            raise ConfigError(
                f"experiment={chosen['experiment']} varies {key}, and a study compares techniques: name some."
            )
    return words


def _name(base: DictConfig, group: str) -> str:
    """The word that a group's choice stands for: the choice may be a run's, or a file of the user's with numbers of its own."""
    return str(base[group].name)


def _check_owned(common: Sequence[Override], asked: Mapping[str, Sequence[str]]) -> None:
    """ConfigError for a number of a technique that no configuration has."""
    for override in common:
        group, _, field = override.key_or_group.partition(".")
        if group in TECHNIQUES and not any(_has(group, word, field) for word in asked.get(group, [plain_word(group)])):
            raise ConfigError(unknown_key(override.key_or_group))


def _has(group: str, word: str, field: str) -> bool:
    return field in hints(GROUPS[group][word])


def _experiment(hydra: Hydra, base: DictConfig, common: Sequence[Override], one: Configuration) -> Experiment:
    """A configuration composed: the common words, the choices that are not the base's own, whose numbers stay, and the numbers
    that its words have.

    A group that is not asked about has its plain choice: a technique of a recipe's was taken out."""
    words = {group: one.choices.get(group, plain_word(group)) for group in TECHNIQUES}
    lines = [str(o.input_line) for o in common if _applies(o, one)]
    lines += [f"{group}={word}" for group, word in words.items() if word != _name(base, group)]
    is_base = lines == base.hydra.overrides.task
    config = base if is_base else hydra.config_loader.load_sweep_config(base, lines)
    _drop_foreign(config, base, words)
    experiment = experiment_of(config)
    check_place(experiment)
    return experiment


def _drop_foreign(config: DictConfig, base: DictConfig, words: Mapping[str, str]) -> None:
    """Take away the numbers that a recipe gives to its own words, where others stand: sgd has no optimizer.beta."""
    for group, word in words.items():
        recipes = _name(base, group)
        for field in [str(key) for key in config[group]]:
            if field != "name" and _has(group, recipes, field) and not _has(group, word, field):
                with open_dict(config[group]):
                    del config[group][field]


def _applies(override: Override, one: Configuration) -> bool:
    group, _, field = override.key_or_group.partition(".")
    return group not in TECHNIQUES or _has(group, one.choices.get(group, plain_word(group)), field)
