"""`--optimizer momentum`, `--lr 0.1`, `optimizer = momentum`: not our grammar, but clear enough to answer with the right line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainer.errors import ConfigError
from trainer.experiment import GROUPS
from trainer.schema import did_you_mean
from trainer.shell.choices import dotted, top_level
from trainer.shell.verbs import VERBS
from trainer.terminal.printable import command

OPTIONS = {
    "--help": 0, "-h": 0, "--version": 0, "-V": 0, "--multirun": 0, "-m": 0, "--run": 0, "-r": 0, "--resolve": 0,
    "--hydra-help": 0, "--shell-completion": 0, "-sc": 0, "--cfg": 1, "-c": 1, "--info": 1, "-i": 1, "--package": 1,
    "-p": 1, "--quiet": 0, "-q": 0, "--config-path": 1, "-cp": 1, "--config-name": 1, "-cn": 1, "--config-dir": 1, "-cd": 1,
}  # fmt: skip
"""The options of the command, and how many values each takes."""


ALIASES = {"learning_rate": "lr", "wd": "weight_decay"}
"""Numbers by the names that they have elsewhere."""


def check_grammar(argv: Sequence[str]) -> None:
    """ConfigError with the line that was meant where `argv` holds anything but options and key=value words."""
    words = list(argv)
    for word in words:
        if sentence := _of_other_programs(word, words):
            raise ConfigError(sentence)
    line: list[str] = []
    while words:
        line += _take(words)
    if line != list(argv):
        raise ConfigError(f"Settings are written key=value. Type: {command(*line)}")


def _of_other_programs(word: str, argv: Sequence[str]) -> str | None:
    """What does here what a word does elsewhere."""
    if word in ("list", "ls", "--list"):
        return f"There is no {word} here: train runs lists the runs that there are, train --help all choices."
    if word == "--dry-run" and {"-m", "--multirun"} & set(argv):
        return "There is no --dry-run: every run of a sweep is checked before the first is trained."
    if word == "--dry-run":
        line = command("--cfg", "job", *(other for other in argv if other != word))
        return f"There is no --dry-run. To see the configuration without running it type: {line}"
    return "'=' has nothing before it: write key=value, without blanks." if word == argv[0] == "=" else None


def _take(words: list[str]) -> list[str]:
    """Take the next setting or option off `words`, as it should have been written."""
    word = words.pop(0)
    option = word.partition("=")[0]
    if option in OPTIONS:
        takes_next = OPTIONS[option] and "=" not in word and words and not _is_setting(words[0])
        return [word, words.pop(0)] if takes_next else [word]
    if word.startswith("-"):
        return [_setting(word, words)]
    if _has_blanks(word, words):
        setting = "".join(_around_equals(word, words))
        return [_from_value(setting.rstrip("=")) if setting.endswith("=") else setting]
    if "=" in word or word.startswith(("~", "+")):
        return [word]
    if word in _keys() and words and _is_bare(words[0]):
        return [f"{word}={words.pop(0)}"]
    return [_from_value(word)]


def _has_blanks(word: str, words: Sequence[str]) -> bool:
    """Whether a setting was written with blanks: `optimizer = momentum`, `optimizer =momentum` or `optimizer= momentum`."""
    if not words or word.rstrip("=") not in _keys():
        return False
    return words[0].startswith("=") if "=" not in word else word.endswith("=") and _is_bare(words[0])


def _around_equals(word: str, words: list[str]) -> Iterator[str]:
    """The parts of a setting that was written with blanks, taken off `words`."""
    yield word
    if words[0] == "=":
        yield words.pop(0)
    if words and (words[0].startswith("=") or _is_bare(words[0])):
        yield words.pop(0)


def _setting(option: str, words: list[str]) -> str:
    """`--epochs=3` and `--epochs 3` as epochs=3, `--lr 0.1` as optimizer.lr=0.1, `--adam` as optimizer=adam."""
    name, equals, value = option.lstrip("-").partition("=")
    key = name if name in _keys() else name.replace("-", "_")
    if not equals:
        value = words.pop(0) if words and _is_bare(words[0]) else ""
    meant = [f"{key}={value or 'true'}"] if key in _keys() else _without_group(key, value or "VALUE")
    if len(meant) == 1:
        return meant[0]
    typed = option.partition("=")[0]
    if meant:
        raise ConfigError(f"{typed} may be {' or '.join(meant)}: type one of them.")
    near = did_you_mean(key, _keys()) or did_you_mean(f"--{key}", OPTIONS)
    raise ConfigError(f"There is no option {typed}.{near} See: train --help")


def _without_group(name: str, value: str) -> list[str]:
    """What is meant by a choice or a number that was named without its group."""
    choices = [f"{group}={name}" for group, words in GROUPS.items() if name in words]
    return choices + [f"{key}={value}" for key in dotted() if key.endswith(f".{ALIASES.get(name, name)}")]


def _from_value(word: str) -> str:
    """`momentum` as optimizer=momentum where one group alone knows the word; ConfigError where none does."""
    groups = [group for group, choices in GROUPS.items() if word in choices]
    if len(groups) == 1:
        return f"{groups[0]}={word}"
    if groups or word in _keys():
        raise ConfigError(_needs_more(word, groups))
    if word in VERBS:
        raise ConfigError(f"{word} comes first: type train {word}, and what belongs to it.")
    known = [*VERBS, *_keys(), *(choice for choices in GROUPS.values() for choice in choices)]
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
