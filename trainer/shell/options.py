"""A command line that trains, read: the options beside key=value, and the run that `from=` names."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import NoReturn

from trainer.errors import ConfigError
from trainer.shell.option_values import INFO
from trainer.shell.suggestions import check_grammar
from trainer.terminal.once import Once
from trainer.terminal.printable import command

FROM = "from="


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[:1].upper()}{message[1:]}. See: train --help")


def parse_line(argv: Sequence[str]) -> argparse.Namespace:
    """Everything that a command line asks for: its options, `overrides` (key=value), `base` (the directory that from= names)
    and `argv` as it was typed. Raises ConfigError.

    `from=` never reaches Hydra: a cell's path holds = and commas, and would be a list of values there.
    """
    words = [word for word in argv if not word.startswith(FROM)]
    bases = [word.removeprefix(FROM) for word in argv if word.startswith(FROM)]
    if len(bases) > 1:
        raise ConfigError(f"from= is given twice, {bases[0]} and {bases[1]}: a run starts from one configuration.")
    check_grammar(argv)
    options = parse_options(words)
    options.argv, options.base = list(argv), bases[0] if bases else None
    options.overrides = [quote_home(word) for word in options.overrides]
    _check_together(options)
    return options


def quote_home(word: str) -> str:
    """`key=~/a,~/b` as `key='~/a','~/b'`: Hydra's grammar knows no ~ outside quotes, and the shell expands none inside a word."""
    key, equals, value = word.partition("=")
    return f"{key}{equals}" + re.sub(r"(?:^|(?<=,))~[^,'\"()\[\]{}]*", r"'\g<0>'", value)


def check_once(words: Iterable[str]) -> None:
    """ConfigError for key=value words of which one would silently replace another."""
    given: dict[str, str] = {}
    for word in words:
        key = word.partition("=")[0].strip()
        if key in given:
            raise ConfigError(f"{key} is given twice, {shlex.join([given[key], word])}: leave one of them out.")
        given[key] = word


def as_sweep(argv: Sequence[str]) -> list[str]:
    """The command line with -m, and without -r, which contradicts it."""
    others = [word for word in argv if word not in ("-m", "--multirun", "-r", "--run")]
    return ["-m", *others]


def retyped(argv: Sequence[str], word: str, *instead: str) -> str:
    """The command line with one word replaced, to be copied into a shell."""
    plain = [quote_home(typed) for typed in argv]
    place = plain.index(word) if word in plain else len(plain)
    return command(*argv[:place], *instead, *argv[place + 1 :])


def parse_options(words: Sequence[str]) -> argparse.Namespace:
    """The options of Hydra's programs, all but --experimental-rerun: that loads a pickle, which could run anything."""
    parser = _Parser(prog="train", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("overrides", nargs="*", help="key=value")
    add("--multirun", "-m", action="store_true", help="train every combination of the values given")
    add("--run", "-r", action="store_true", help="train one network, even if a recipe asks for a sweep")
    add("--cfg", "-c", action=Once, choices=["job", "hydra", "all"], help="show the configuration instead of running")
    add("--resolve", action="store_true", help="with --cfg: interpolations replaced by their values")
    add("--package", "-p", action=Once, help="with --cfg: only this part")
    add(
        "--info",
        "-i",
        action=Once,
        nargs="?",
        const="all",
        choices=INFO,
        help="show how the configuration comes about",
    )
    add("--hydra-help", action="store_true", help="show this")
    add("--config-path", "-cp", action=Once, help="take this folder instead of conf/")
    add("--config-name", "-cn", action=Once, default="config", help="take this file instead of config.yaml")
    add("--config-dir", "-cd", action=Once, help="look for choices and recipes in this folder too")
    options = parser.parse_intermixed_args(words)
    options.parser = parser
    return options


def _check_together(options: argparse.Namespace) -> None:
    """ConfigError for options that contradict each other, or that say nothing alone."""
    wrong = {
        "--cfg and --info show the configuration of one run: leave out -m": options.multirun
        and (options.cfg or options.info),
        "-m trains every combination and -r one network: leave out one of them": options.multirun and options.run,
        "--cfg and --info show different things: leave out one of them": options.cfg and options.info,
        "--resolve and --package say how --cfg shows the configuration: add --cfg job": (
            (options.resolve or options.package is not None) and not options.cfg
        ),
        "The configuration is named twice, by from= and by --config-name: leave out one of them": (
            options.base is not None and options.config_name != "config"
        ),
        "--config-name takes the name of a file without its path: name its folder by --config-dir": (
            "/" in options.config_name
        ),
    }
    for sentence, applies in wrong.items():
        if applies:
            options.parser.error(sentence)
