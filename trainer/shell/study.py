"""The command `train study`: its options, its help, and the directory where its question is answered."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra

from trainer.errors import ConfigError
from trainer.run.directories import claim, reuse, taken
from trainer.shell.command import begin_hydra
from trainer.shell.environment import restrict_environment
from trainer.shell.hydra_private import choose_defaults
from trainer.shell.mistakes import hydras_errors
from trainer.shell.options import check_once, parse_line, parse_options
from trainer.shell.question import WORKERS, compose
from trainer.study import store
from trainer.study.question import SEEDS, Question
from trainer.study.starting import start
from trainer.terminal.layout import examples, heading, styled, terms, width, wrap

OPTIONS = ("overrides", "argv", "base", "parser", "config_dir", "config_name", "config_path")
"""What a command line that trains may hold, and a study's too."""

TITLE = "train study [key=value ...]: does a technique help, by how much, and is that real?"
EXAMPLES = {
    "train study optimizer=momentum clip=grad dropout=half": "does each help: alone, and beside the others?",
    "train study optimizer=sgd,momentum,adam": "which is best, each at its own best rate?",
    "train study experiment=article margin=0.1 epochs=5": "a recipe taken apart into its techniques",
    "train resume DIR": "go on with a study",
}
KEYS = {
    "margin=POINTS": "the difference that does not matter (0.1 points on 10,000 test images, more on fewer)",
    "seeds=N": f"the most seeds that judge ({SEEDS})",
    "name=NAME": "directory name under runs/; the same command with the same name skips what is done",
    "from=RUN_DIR": "ask of the network of a run: its techniques, unless others are named",
    "--config-dir DIR": "look for recipes and data sets in this folder too",
    f"{WORKERS}=N": "processes, if not one a core or GPU",
    "-q, --quiet": "nothing on stdout: the answer is in the directory's study.md and study.json",
}
OTHERS = "All other keys (dataset, epochs, model.hidden, ...) are common to all runs: train --help lists them."


def main(words: Sequence[str], conf: Path) -> int:
    """Carry out `train study words…`; returns the exit code. Raises ConfigError, or an error of Hydra's, for a mistake."""
    if {"--help", "-h"} & set(words):
        print(help_text(width()))
        return 0
    question, directory, name = question_of(words, conf)
    if name is not None:
        store.check_same(directory.parent / name, question)
    with taken(reuse if name else claim, directory.parent, name or directory.name) as place:
        return start(question, place)


def help_text(columns: int) -> str:
    """The whole of `train study --help`."""
    lines = [*map(heading, wrap(TITLE, columns)), "", *examples(EXAMPLES.items(), columns)]
    return styled([*lines, "", *terms(KEYS.items(), columns), "", *wrap(OTHERS, columns)])


def question_of(words: Sequence[str], conf: Path) -> tuple[Question, Path, str | None]:
    """The question, the directory that a study without a name would have, and its name. Raises as `main` does."""
    options = _options(words)
    choose_defaults()
    restrict_environment()
    GlobalHydra.instance().clear()
    hydra = begin_hydra(options, conf)
    try:
        with hydras_errors([]):
            return compose(hydra, options)
    finally:
        GlobalHydra.instance().clear()


def _options(words: Sequence[str]) -> Namespace:
    """The words read. ConfigError for other words than key=value and the few options that a study takes."""
    for word in parse_options(words).overrides:
        if "=" not in word:
            raise ConfigError(f"train study takes key=value words, and {word} is none. See: train study --help")
    options = parse_line(words)
    for key, value in vars(options).items():
        if key not in OPTIONS and value != options.parser.get_default(key):
            raise ConfigError(f"train study takes no --{key.replace('_', '-')}. See: train study --help")
    check_once(options.overrides)
    return options
