"""What `train help` explains: a choice, a group, a number, a setting.

The YAML files say what a choice is for, the classes what it computes. Here both are put together, for a terminal and for the page
of the documentation.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trainer.experiment import GROUPS, SECTIONS, Experiment
from trainer.identity import flatten, show
from trainer.schema import describe, hints
from trainer.shell.choice_files import ChoiceFile, Group, Setting, groups, main_settings, read_choice

HEADINGS = {"Shows": "What it shows", "When": "When to use it", "When not": "When not", "Watch": "What to watch", "See": "See it",
    "Source": "Source"}  # fmt: skip
"""The labels of a choice's file, in the order of the page, and what they are called there."""


@dataclass(frozen=True)
class Section:
    """A part of a topic: paragraphs, terms with their meanings, or a command to type."""

    heading: str
    texts: list[str] = field(default_factory=list)
    terms: list[tuple[str, str]] = field(default_factory=list)
    command: str = ""


@dataclass(frozen=True)
class Topic:
    """Something that is explained: what is typed for it, what it is, and all there is to say about it."""

    word: str
    what: str
    sections: list[Section]


def choice(path: Path, group: Group) -> Topic:
    """A choice: its formula, its numbers, when to use it, when not, what to watch, a command that shows it, its source."""
    file = read_choice(path)
    sections = [*_computes(file, group), *_numbers(file), *_recipe(file)]
    for label, heading in HEADINGS.items():
        if label in file.parts:
            text = file.parts[label]
            sections.append(Section(heading, command=text) if label == "See" else Section(heading, [_sentence(text)]))
    return Topic(f"{group.name}={file.word}", file.what, sections)


def _computes(file: ChoiceFile, group: Group) -> Iterator[Section]:
    cls = class_of(file)
    if cls is None:
        return
    paragraphs = [" ".join(part.split()).replace("`", "") for part in (inspect.getdoc(cls) or "").split("\n\n")]
    notation = [f"({group.name}: {group.what}.)"] if _is_technique(cls) else []
    yield Section("Formula" if _is_technique(cls) else "What it is", [*paragraphs, *notation])


def _is_technique(cls: type) -> bool:
    return cls.__module__.startswith("trainer.techniques.")


def class_of(file: ChoiceFile) -> type | None:
    """The class that a choice's file names: its word, or for a user's own file another one of the group."""
    content: Any = yaml.safe_load(file.path.read_text(encoding="utf-8"))
    name = content.get("name", file.word) if isinstance(content, dict) else file.word
    return GROUPS.get(file.group, {}).get(str(name))


def _numbers(file: ChoiceFile) -> Iterator[Section]:
    cls = class_of(file)
    if cls is not None and file.settings:
        allowed = hints(cls)
        yield Section("Numbers" if _is_technique(cls) else "Keys", terms=[
            (f"{file.group}.{each.key}={each.default}", _meaning(each, allowed.get(each.key))) for each in file.settings
        ])  # fmt: skip


def _meaning(setting: Setting, hint: Any) -> str:
    return f"{setting.meaning}{f'. Allowed: {describe(hint)}' if hint else ''}"


def _sentence(text: str) -> str:
    """A text as a sentence; a name at its beginning, such as lr, train/accuracy or ε, stays as it is."""
    word = text.split(" ")[0].rstrip(".,:;")
    first = text[:1].upper() if word.isascii() and word.isalpha() and word != "lr" else text[:1]
    return f"{first}{text[1:].rstrip('.')}."


def _recipe(file: ChoiceFile) -> Iterator[Section]:
    """What a recipe sets, in the words that one would type; of a sweep the lists."""
    if file.group != "experiment":
        return
    content: Any = yaml.safe_load(file.path.read_text(encoding="utf-8")) or {}
    chosen = [
        (key.removeprefix("override ").lstrip("/"), str(word))
        for entry in content.pop("defaults", [])
        if isinstance(entry, dict)
        for key, word in entry.items()
    ]
    params = (content.pop("hydra", None) or {}).get("sweeper", {}).get("params", {})
    values = [(key, show(value)) for key, value in flatten(content).items()]
    swept = [(key, str(value).replace(",", ", ")) for key, value in params.items()]
    yield Section("What it sets", terms=[*chosen, *values, *swept])


def group_topic(group: Group) -> Topic:
    """A group: its choices, and its numbers with the choices that have them."""
    files = [read_choice(path) for path in group.files]
    words = [(f"{group.name}={file.word}{'*' if file.word == group.default else ''}", file.what) for file in files]
    owners: dict[str, list[str]] = {}
    for file in files:
        for each in file.settings if group.name in GROUPS else ():
            owners.setdefault(each.key, []).append(file.word)
    meanings = {each.key: each.meaning for file in reversed(files) for each in file.settings}
    numbers = [(f"{group.name}.{key}", f"{meanings[key]} ({_whose(who, len(files))})") for key, who in owners.items()]
    sections = [Section("Choices (* = default)", terms=words)]
    sections += [Section("Numbers", terms=numbers)] * bool(numbers)
    example = files[-1].word
    return Topic(
        group.name, group.what, [*sections, Section("One of them", command=f"train help {group.name}={example}")]
    )


def _whose(words: Sequence[str], every: int) -> str:
    return "all of them" if len(words) == every else ", ".join(words)


def number_topic(key: str, group: Group) -> Topic:
    """A number of a group, as each of the choices has it that do."""
    files = [read_choice(path) for path in group.files]
    name = key.partition(".")[2]
    found = [(file, each) for file in files for each in file.settings if each.key == name]
    terms = [(f"{group.name}={file.word}", f"{each.meaning}; default {each.default}") for file, each in found]
    allowed = [describe(hints(cls)[name]) for file, _ in found if (cls := class_of(file)) and name in hints(cls)]
    owner = next((file.word for file, _ in found if file.word != group.default), found[0][0].word)
    typed = f"train {'' if len(found) == len(files) else f'{group.name}={owner} '}{key}={found[0][1].default}"
    meaning = _sentence("; ".join(dict.fromkeys(allowed)))
    return Topic(key, f"a number of {group.name}", [
        Section("Allowed", [meaning]), Section("Choices that have it", terms=terms), Section("Typed", command=typed)
    ])  # fmt: skip


def setting_topic(setting: Setting) -> Topic:
    """A setting that is no choice."""
    section, dot, name = setting.key.rpartition(".")
    hint = hints(SECTIONS[section] if dot else Experiment)[name]
    return Topic(f"{setting.key}={setting.default}", "a setting, with its default", [
        Section("Meaning", [_sentence(setting.meaning)]), Section("Allowed", [_sentence(describe(hint))])
    ])  # fmt: skip


def section_topic(settings: Iterable[Setting], name: str) -> Topic:
    """The settings below a common name, such as checkpoint."""
    terms = [(f"{each.key}={each.default}", each.meaning) for each in settings]
    return Topic(name, "settings, with their defaults", [Section("Settings", terms=terms)])


def overview(conf: Path, extra: Path | None) -> Topic:
    """All that can be explained."""
    settings = [(f"{each.key}={each.default}", each.meaning) for each in main_settings(conf)]
    return Topic("train help WORD", "one group, choice, number or setting explained", [
        Section("Groups", terms=[(group.name, group.what) for group in groups(conf, extra)]),
        Section("Settings", terms=settings),
        Section("For instance", command="train help optimizer"),
        Section("", command="train help optimizer=momentum"),
        Section("", command="train help clip.threshold"),
        Section("Commands", ["train --help lists all commands and choices; train compare --help explains one command."]),
    ])  # fmt: skip


def every_choice(found: Iterable[Group]) -> Iterator[tuple[Group, list[Topic]]]:
    """Each group with the topics of its choices."""
    for group in found:
        yield group, [choice(path, group) for path in group.files]
