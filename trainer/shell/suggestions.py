"""`--optimizer momentum`, `optimizer momentum`, `momentum`: not our grammar, but clear enough to answer with the right line."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.errors import ConfigError
from trainer.experiment import GROUPS
from trainer.printable import command
from trainer.schema import did_you_mean
from trainer.shell.choices import dotted, top_level

OPTIONS = {
    "--help": 0, "-h": 0, "--version": 0, "-V": 0, "--multirun": 0, "-m": 0, "--run": 0, "-r": 0, "--resolve": 0,
    "--hydra-help": 0, "--shell-completion": 0, "-sc": 0, "--cfg": 1, "-c": 1, "--info": 1, "-i": 1, "--package": 1,
    "-p": 1, "--quiet": 0, "-q": 0, "--config-path": 1, "-cp": 1, "--config-name": 1, "-cn": 1, "--config-dir": 1, "-cd": 1,
}  # fmt: skip
"""The options of the command, and how many values each takes."""


def check_grammar(argv: Sequence[str]) -> None:
    """ConfigError with the line that was meant where `argv` holds anything but options and key=value words."""
    words = list(argv)
    if "-sc" in words or "--shell-completion" in words:
        return
    line: list[str] = []
    while words:
        line += _take(words)
    if line != list(argv):
        raise ConfigError(f"Settings are written key=value. Type: {command(*line)}")


def _take(words: list[str]) -> list[str]:
    """Take the next setting or option off `words`, as it should have been written."""
    word = words.pop(0)
    option = word.partition("=")[0]
    if option in OPTIONS:
        takes_next = OPTIONS[option] and "=" not in word and words and not _is_setting(words[0])
        return [word, words.pop(0)] if takes_next else [word]
    if word.startswith("-"):
        return [_setting(word, words)]
    if "=" in word or word.startswith(("~", "+")):
        return [word]
    if word in _keys() and words and _is_bare(words[0]):
        return [f"{word}={words.pop(0)}"]
    return [_from_value(word)]


def _setting(option: str, words: list[str]) -> str:
    """`--epochs=3` and `--epochs 3` as epochs=3."""
    key, equals, value = option.lstrip("-").partition("=")
    key = key if key in _keys() else key.replace("-", "_")
    if key not in _keys():
        near = did_you_mean(key, _keys()) or did_you_mean(f"--{key}", OPTIONS)
        raise ConfigError(f"There is no option {option.partition('=')[0]}.{near} See: train --help")
    if not equals:
        value = words.pop(0) if words and _is_bare(words[0]) else "true"
    return f"{key}={value}"


def _from_value(word: str) -> str:
    """`momentum` as optimizer=momentum where one group alone knows the word; ConfigError where none does."""
    groups = [group for group, choices in GROUPS.items() if word in choices]
    if len(groups) == 1:
        return f"{groups[0]}={word}"
    if groups or word in _keys():
        raise ConfigError(_needs_more(word, groups))
    known = ["resume", "compare", *_keys(), *(choice for choices in GROUPS.values() for choice in choices)]
    raise ConfigError(f"'{word}' is neither a command nor key=value.{did_you_mean(word, known)} See: train --help")


def _needs_more(word: str, groups: Sequence[str]) -> str:
    """The sentence for a word that several groups know, and for a key without a value."""
    if groups:
        return f"'{word}' may be {' or '.join(f'{group}={word}' for group in groups)}: type one of them."
    choices = "|".join(GROUPS.get(word, ["VALUE"]))
    return f"{word} needs a value, written without spaces: {word}={choices}"


def _keys() -> list[str]:
    return [*top_level(), *dotted(), "from"]


def _is_setting(word: str) -> bool:
    return "=" in word and not word.startswith("-")


def _is_bare(word: str) -> bool:
    return "=" not in word and word not in OPTIONS and not word.startswith("--")
