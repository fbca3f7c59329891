"""Tab completion: what may stand next on a command line, from the tables and folders that the command itself reads."""

from __future__ import annotations

import os
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trainer.errors import ConfigError
from trainer.experiment import GROUPS, SECTIONS, Experiment
from trainer.identity import may_be_given
from trainer.report.files import SUMMARY
from trainer.schema import hints
from trainer.shell.choice_files import groups, main_settings, read_choice
from trainer.shell.choices import dotted, top_level
from trainer.shell.option_values import DIRECTORY, FILE, KEY, OPTIONS, Value
from trainer.shell.paths import config_dir, home
from trainer.shell.verbs import VERBS


class Candidate(NamedTuple):
    """A word that may stand there, what it means, and whether it is whole, so that a blank may follow."""

    word: str
    what: str = ""
    whole: bool = True


def candidates(words: Sequence[str], current: str, conf: Path) -> list[Candidate]:
    """What `current`, the last word, may become after the `words` behind the command's name. Raises ConfigError and OSError."""
    verb = words[0] if words and words[0] in VERBS else ""
    return [each for each in _possible(verb, words, current, conf) if each.word.startswith(current)]


def _possible(verb: str, words: Sequence[str], current: str, conf: Path) -> Iterator[Candidate]:
    options = OPTIONS[verb]
    value = options.get(words[-1], "") if words else ""
    if value:
        yield from _of_option(value, current)
        return
    if not words:
        yield from (Candidate(each, what) for each, what in VERBS.items())
    if current.startswith("-"):
        yield from (Candidate(option) for option in options)
    if verb in ("resume", "show", "runs", "compare", "report"):
        yield from _paths(current, files=False)
    if verb == "help":
        yield from _explained(words, conf)
    elif verb not in ("compare", "report") and words != ["resume"]:
        yield from _settings(verb, words, current, conf)


def _of_option(value: Value, current: str) -> Iterator[Candidate]:
    if value == KEY:
        yield from map(Candidate, (key for key in _every_key() if key != "seed"))
    elif value in (FILE, DIRECTORY):
        yield from _paths(current, files=value == FILE)
    elif isinstance(value, tuple):
        yield from map(Candidate, value)


def _explained(words: Sequence[str], conf: Path) -> Iterator[Candidate]:
    """What `train help` knows."""
    for group in groups(conf, config_dir(words)):
        yield Candidate(group.name, group.what)
        yield from (Candidate(f"{group.name}={path.stem}", read_choice(path).what) for path in group.files)
    yield from map(Candidate, (key for key in _every_key() if key not in GROUPS))


def _every_key() -> list[str]:
    return [key for key in dict.fromkeys([*top_level(), *dotted()]) if key not in ("experiment", *SECTIONS)]


def _settings(verb: str, words: Sequence[str], current: str, conf: Path) -> Iterator[Candidate]:
    """key=value: a key, or after = the values that it takes."""
    key, equals, value = current.partition("=")
    if equals:
        yield from _values(key, value, words, conf)
        return
    given = {word.partition("=")[0] for word in words}
    for each in _keys(current, words, conf):
        name = each.word.rstrip("=")
        if name not in given and (verb != "resume" or may_be_given(name)):
            yield each


def _keys(current: str, words: Sequence[str], conf: Path) -> Iterator[Candidate]:
    """The groups, the settings, and the numbers of a group once its name is there."""
    for group in groups(conf):
        yield Candidate(f"{group.name}=", group.what, whole=False)
        if current and group.name.startswith(current) and group.name in GROUPS:
            yield Candidate(f"{group.name}.", "its numbers", whole=False)
    yield from (Candidate(f"{each.key}=", each.meaning, whole=False) for each in main_settings(conf))
    yield Candidate("from=", "a run's configuration again", whole=False)
    group_name, dot, _ = current.partition(".")
    if dot and group_name in GROUPS:
        yield from (Candidate(f"{group_name}.{name}=", whole=False) for name in _numbers(group_name, words))


def _numbers(group: str, words: Sequence[str]) -> Iterable[str]:
    """The numbers of the choice that the line has, or of all."""
    typed = next((word.partition("=")[2] for word in words if word.startswith(f"{group}=")), "")
    chosen = [GROUPS[group][typed]] if typed in GROUPS[group] else GROUPS[group].values()
    return dict.fromkeys(field for cls in chosen for field in hints(cls))


def _values(key: str, typed: str, words: Sequence[str], conf: Path) -> Iterator[Candidate]:
    """The values of a key; in a list those that may come next."""
    if key in ("from", "dataset.root", "dataset.path"):
        yield from (each._replace(word=f"{key}={each.word}") for each in _paths(typed, files=key == "dataset.path"))
        return
    before = typed.rpartition(",")[0]
    earlier = f"{key}={before}," if before else f"{key}="
    for word, what in _words(key, words, conf):
        if word not in before.split(","):
            yield Candidate(f"{earlier}{word}", what)


def _words(key: str, words: Sequence[str], conf: Path) -> Iterator[tuple[str, str]]:
    for group in groups(conf, config_dir(words)):
        if group.name == key:
            yield from ((path.stem, read_choice(path).what) for path in group.files)
    yield from ((word, "") for word in _literals(_hint(key)))
    if key == "device":
        yield from ((word, "") for word in ("auto", "cpu", "cuda", "mps"))


def _hint(key: str) -> Any:
    group, _, name = key.partition(".")
    if not name:
        return None if key in GROUPS else hints(Experiment).get(key)
    owners = [SECTIONS[group]] if group in SECTIONS else list(GROUPS.get(group, {}).values())
    return next((hints(cls)[name] for cls in owners if name in hints(cls)), None)


def _literals(hint: Any) -> Iterator[str]:
    """The words that a type allows."""
    if hint is bool:
        yield from ("true", "false")
    elif hint is type(None):
        yield "null"
    elif typing.get_origin(hint) is typing.Literal:
        yield from (word for word in typing.get_args(hint) if isinstance(word, str))
    elif typing.get_origin(hint) is not tuple:
        for part in typing.get_args(hint):
            yield from _literals(part)


def _paths(current: str, files: bool) -> Iterator[Candidate]:
    """Directories, those of runs whole, others with a / to go on behind; with nothing typed those in runs/."""
    if not current and not files and os.path.isdir("runs"):
        current = "runs/"
    head, slash, tail = current.rpartition("/")
    try:
        found = sorted(os.scandir(home(head or "/") if slash else "."), key=lambda entry: entry.name)
    except (OSError, ConfigError):
        return
    for entry in found:
        if entry.name.startswith(".") and not tail.startswith("."):
            continue
        if entry.is_dir():
            is_run = os.path.exists(os.path.join(entry.path, SUMMARY))
            yield Candidate(f"{head}{slash}{entry.name}{'' if is_run else '/'}", whole=is_run)
        elif files:
            yield Candidate(f"{head}{slash}{entry.name}")
