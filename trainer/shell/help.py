"""`train --help` and `train --version`: text read from conf/ and from what is installed, nothing heavy imported."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from trainer.shell.choice_files import Group, groups, main_settings, read_choice
from trainer.shell.paths import config_dir
from trainer.shell.verbs import TYPED, VERBS
from trainer.terminal.layout import examples, heading, styled, terms, width, wrap

TITLE = "train: which training technique helps, by how much, and is that real?"

COMMANDS = {
    "train [key=value ...]": "train one network",
    "train -m key=v1,v2 ...": "train every combination, as one sweep",
    "train from=RUN_DIR [key=value ...]": "train a run's configuration again, with changes; with -m too",
    **{f"train {verb} {TYPED[verb]}": what for verb, what in VERBS.items()},
}

EXAMPLES = {
    "train": "everything at its default, on MNIST",
    "train optimizer=momentum clip=grad": "choose techniques by name",
    "train optimizer.lr=0.2 epochs=3 name=mine": "change numbers; the result is in runs/mine",
    "train -m optimizer=sgd,adam 'seed=range(5)'": "compare two optimizers, five runs each",
    "train experiment=vanishing normalization=batch": "start from a recipe",
}

OPTIONS = {
    "-q, --quiet": "print nothing but warnings and errors (on stderr); also with resume, study and compare",
    "--cfg job": "show the whole configuration instead of running; --info defaults: how it came about",
    "-sc install=bash": 'the script for tab completion (bash, zsh, fish): eval "$(train -sc install=bash)"',
    "--config-dir DIR": "look for choices and recipes in DIR too",
    "--version": "this program, torch, Hydra and Python",
    "--hydra-help": "options of Hydra, which reads the command line; TRAIN_TRACEBACK=1 shows full errors",
}


def help_text(conf: Path, argv: Sequence[str] = ()) -> str:
    """The whole of `train --help`: each choice with the first line of its file, each key with its default and comment. Raises
    ConfigError for a --config-dir that is not there."""
    return styled(_lines(conf, config_dir(argv), width()))


def _lines(conf: Path, extra: Path | None, columns: int) -> Iterator[str]:
    yield from map(heading, wrap(TITLE, columns))
    yield from ("", *terms(COMMANDS.items(), columns, longest=34))
    yield from ("", heading("Examples"), *examples(EXAMPLES.items(), columns))
    yield from ("", heading("Choices (* = default; train help optimizer=momentum explains one)"))
    for group in groups(conf, extra):
        yield from terms(_choices(group), columns)
        yield ""
    yield from (
        heading("Settings"),
        *terms(((f"{s.key}={s.default}", s.meaning) for s in main_settings(conf)), columns),
    )
    yield from ("", heading("Other options"), *terms(OPTIONS.items(), columns))
    numbers = (
        f"The numbers of a choice (optimizer.lr, clip.threshold, ...) stand in its file: {conf}/<group>/<choice>.yaml"
    )
    yield from ("", *wrap(numbers, columns))


def _choices(group: Group) -> Iterator[tuple[str, str]]:
    """Each word of a group, marked where it is the default, with what it is."""
    for path in group.files:
        yield f"{group.name}={path.stem}{'*' if path.stem == group.default else ''}", read_choice(path).what


def version_text() -> str:
    """One line: our version and those that results depend on."""
    from trainer import __version__

    packages = {"torch": "torch", "Hydra": "hydra-core"}
    versions = [f"{title} {_installed(package)}" for title, package in packages.items()]
    return f"train {__version__} ({', '.join(versions)}, Python {platform.python_version()})"


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"
