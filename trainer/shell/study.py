"""The words of `train study` as a question: which are techniques, which are common to all, and each configuration composed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig

from trainer.errors import ConfigError
from trainer.experiment import GROUPS, Experiment
from trainer.run.directories import claim, reuse, taken
from trainer.schema import hints
from trainer.shell.choices import unknown_key, unknown_word
from trainer.shell.composing import Composer, check_place, experiment_of, restrict_environment
from trainer.shell.hydra_private import Hydra, choose_defaults, search_path
from trainer.shell.mistakes import check_words, hydras_errors
from trainer.shell.options import check_once, quote_home
from trainer.shell.settings import check_settings
from trainer.study import store
from trainer.study.question import SEEDS, TECHNIQUES, Configuration, Question, configurations, factors, plain
from trainer.study.running import run

LIMITS = ("margin", "seeds")
CHOSEN = {
    "seed": "seeds=N says how many may judge at most",
    "optimizer.lr": "each optimizer is tried around its default",
}
"""Keys that a study chooses itself, and what to know instead."""

HELP = """\
train study [key=value ...]: does a technique help, by how much, and is that real?

  train study optimizer=momentum clip=grad dropout=half   does each help: alone, and beside the others?
  train study optimizer=sgd,momentum,adam                 which is best, each at its own best rate?
  train study experiment=article margin=0.1 epochs=5      a recipe taken apart into its techniques
  train resume DIR                                        go on with a study

  margin=POINTS    the difference that does not matter (0.1 points on 10,000 test images, more on fewer)
  seeds=N          the most seeds that judge ({seeds})
  name=NAME        directory below runs/; the same command with the same name skips what is done

All other keys (dataset, epochs, model.hidden, ...) are common to all runs: train --help lists them.
"""


def main(words: Sequence[str], conf: Path) -> int:
    """Carry out `train study words…`; returns the exit code. Raises ConfigError, or an error of Hydra's, for a mistake."""
    if {"--help", "-h"} & set(words):
        print(HELP.format(seeds=SEEDS), end="")
        return 0
    for word in words:
        if word.startswith("-") or "=" not in word:
            raise ConfigError(f"train study takes key=value words, and {word} is none. See: train study --help")
    check_once(words)
    question, directory, name = question_of([quote_home(word) for word in words], conf)
    if name is not None:
        store.check_same(directory.parent / name, question)
    with taken(reuse if name else claim, directory.parent, name or directory.name) as place:
        return run(question, place)


def question_of(words: Sequence[str], conf: Path) -> tuple[Question, Path, str | None]:
    """The question, the directory that a study without a name would have, and its name. Raises as `main` does."""
    choose_defaults()
    restrict_environment()
    GlobalHydra.instance().clear()
    hydra = Hydra("train", Composer(search_path(conf, None)))
    GlobalHydra.instance().initialize(hydra)
    try:
        with hydras_errors([]):
            return _compose(hydra, words)
    finally:
        GlobalHydra.instance().clear()


def _compose(hydra: Hydra, words: Sequence[str]) -> tuple[Question, Path, str | None]:
    limits = {key: _number(word) for word in words if (key := word.partition("=")[0]) in LIMITS}
    rest = [word for word in words if word.partition("=")[0] not in LIMITS]
    overrides = OverridesParser.create(hydra.config_loader).parse_overrides(rest)
    check_words([override for override in overrides if not _is_list(override)], ["study", *words])
    typed = {o.key_or_group: _words(o) for o in overrides if o.key_or_group in TECHNIQUES}
    common = [o for o in overrides if o.key_or_group not in TECHNIQUES]
    for override in common:
        _check_common(override)
    base = _config(hydra, [o for o in common if o.key_or_group.partition(".")[0] not in TECHNIQUES])
    asked = factors({**_of_recipe(base), **typed})
    _check_owned(common, {factor.group: factor.words for factor in asked})
    experiments = {one.key: _experiment(hydra, base, common, one) for one in configurations(asked)}
    question = Question(asked, experiments, limits.get("margin"), limits.get("seeds", SEEDS))
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
    if override.is_hydra_override():
        raise ConfigError(f"{override.input_line}: train study takes no settings of Hydra's.")


def _config(hydra: Hydra, overrides: Sequence[Override]) -> DictConfig:
    lines = [str(override.input_line) for override in overrides]
    config = hydra.compose_config("config", lines, RunMode.MULTIRUN, validate_sweep_overrides=False)
    check_settings(hydra.config_loader, config)
    return config


def _of_recipe(base: DictConfig) -> dict[str, list[str]]:
    """The techniques that a recipe switches on, and those that it sweeps over. ConfigError where it sweeps over other things."""
    chosen = base.hydra.runtime.choices
    words = {group: [str(chosen[group])] for group in TECHNIQUES if str(chosen[group]) != plain(group)}
    for key, value in dict(base.hydra.sweeper.params or {}).items():
        if key in TECHNIQUES:
            words[key] = str(value).split(",")
        elif key != "seed":
            raise ConfigError(
                f"experiment={chosen['experiment']} varies {key}, and a study compares techniques: name some."
            )
    return words


def _check_owned(common: Sequence[Override], asked: Mapping[str, Sequence[str]]) -> None:
    """ConfigError for a number of a technique that no configuration has."""
    for override in common:
        group, _, field = override.key_or_group.partition(".")
        if group in TECHNIQUES and not any(_has(group, word, field) for word in asked.get(group, [plain(group)])):
            raise ConfigError(unknown_key(override.key_or_group))


def _has(group: str, word: str, field: str) -> bool:
    return field in hints(GROUPS[group][word])


def _experiment(hydra: Hydra, base: DictConfig, common: Sequence[Override], one: Configuration) -> Experiment:
    """A configuration composed: the common words, its own choices, and the numbers that its words have."""
    lines = [str(o.input_line) for o in common if _applies(o, one)]
    lines += [f"{group}={word}" for group, word in one.choices.items()]
    experiment = experiment_of(hydra.config_loader.load_sweep_config(base, lines))
    check_place(experiment)
    return experiment


def _applies(override: Override, one: Configuration) -> bool:
    group, _, field = override.key_or_group.partition(".")
    return group not in TECHNIQUES or _has(group, one.choices.get(group, plain(group)), field)
