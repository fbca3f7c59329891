"""`train help [WORD …]`: finds what a word means, and shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from trainer.errors import ConfigError
from trainer.schema import did_you_mean
from trainer.shell.choice_files import Group, groups, main_settings
from trainer.shell.choices import unknown_key, unknown_word
from trainer.shell.paths import config_dir
from trainer.shell.topics import (
    Section,
    Topic,
    choice,
    every_choice,
    group_topic,
    number_topic,
    overview,
    section_topic,
    setting_topic,
)
from trainer.terminal.layout import END, TERM, heading, styled, terms, width, wrap

COMMANDS = ("compare", "report", "runs", "show", "study")
"""Commands that explain themselves."""
INTRODUCTION = """\
# Every choice, explained

What `train help` says of each choice, on one page: `train help --markdown > docs/techniques.md`. Measured numbers are from
[evidence/claims.md](evidence/claims.md) and [evidence/staleness.md](evidence/staleness.md), default rates from
[defaults.md](defaults.md).
"""


def main(argv: Sequence[str], conf: Path, carry_out: Callable[[list[str]], int]) -> int:
    """`train help` with the words that follow it; a command's own help is left to `carry_out`. Raises ConfigError."""
    if argv and argv[0] in COMMANDS:
        return carry_out([argv[0], "--help"])
    print(explain(argv, conf))
    return 0


def explain(argv: Sequence[str], conf: Path) -> str:
    """The text about all words, or about what can be asked. Raises ConfigError for a word that means nothing."""
    extra = config_dir(argv)
    words = [word for i, word in enumerate(argv) if not _is_option(argv, i)]
    known = list(groups(conf, extra))
    if "--markdown" in argv:
        return page(known)
    found = [topic(word, known, conf) for word in words] or [overview(conf, extra)]
    return "\n\n".join(styled(_lines(each, width())) for each in found)


def _is_option(argv: Sequence[str], place: int) -> bool:
    """Whether a word is an option, or the value of one. ConfigError for an option that there is not."""
    word, before = argv[place], argv[place - 1] if place else ""
    if before in ("--config-dir", "-cd"):
        return True
    if word.startswith("-") and word.partition("=")[0] not in ("--markdown", "--config-dir", "-cd"):
        raise ConfigError(f"train help takes words, --config-dir DIR and --markdown, not {word}.")
    return word.startswith("-")


def topic(word: str, known: Sequence[Group], conf: Path) -> Topic:
    """What a word means: a choice, with its group or alone, a group, a number, a setting. Raises ConfigError."""
    by_name = {group.name: group for group in known}
    name, equals, value = word.strip().partition("=")
    if equals and name in by_name:
        return _choice(by_name[name], value)
    if name in by_name:
        return group_topic(by_name[name])
    group, dot, number = name.partition(".")
    if dot and group in by_name:
        return _number(name, by_name[group], number)
    settings = {each.key: each for each in main_settings(conf)}
    if name in settings:
        return setting_topic(settings[name])
    if below := [each for key, each in settings.items() if key.startswith(f"{name}.")]:
        return section_topic(below, name)
    return _alone(name, known, settings)


def _choice(group: Group, word: str) -> Topic:
    for path in group.files:
        if path.stem == word:
            return choice(path, group)
    raise ConfigError(unknown_word(group.name, word, [path.stem for path in group.files]))


def _number(key: str, group: Group, number: str) -> Topic:
    try:
        return number_topic(key, group)
    except IndexError:  # no choice has it
        raise ConfigError(unknown_key(key)) from None


def _alone(word: str, known: Sequence[Group], settings: Iterable[str]) -> Topic:
    """A choice named without its group."""
    owners = [group for group in known if any(path.stem == word for path in group.files)]
    if len(owners) == 1:
        return _choice(owners[0], word)
    if owners:
        raise ConfigError(
            f"'{word}' may be {' or '.join(f'{group.name}={word}' for group in owners)}: type one of them."
        )
    words = [group.name for group in known] + [path.stem for group in known for path in group.files]
    near = did_you_mean(word, [*words, *settings])
    raise ConfigError(f"There is no group, choice or setting called '{word}'.{near} See: train help")


def _lines(topic: Topic, columns: int) -> Iterator[str]:
    yield from map(heading, wrap(f"{topic.word}: {topic.what}" if topic.what else topic.word, columns))
    for section in topic.sections:
        if section.heading:
            yield from ("", heading(section.heading))
        for number, text in enumerate(section.texts):
            yield from [""] * bool(number)
            yield from wrap(text, columns, indent=2)
        yield from terms(section.terms, columns)
        if section.command:
            yield f"  {TERM}{section.command}{END}"


def page(known: Iterable[Group]) -> str:
    """Every choice explained, as one page of Markdown."""
    lines = [line for group, topics in every_choice(known) for line in _markdown(group, topics)]
    return "\n".join([INTRODUCTION, *lines]).rstrip()


def _markdown(group: Group, topics: Sequence[Topic]) -> Iterator[str]:
    yield from (f"## {group.name}", "", f"`{group.name}=`: {_escaped(group.what)}.", "")
    for each in topics:
        yield from (f"### `{each.word}`", "", f"{_escaped(each.what[:1].upper() + each.what[1:])}.", "")
        for section in each.sections:
            yield from _markdown_section(section)


def _markdown_section(section: Section) -> Iterator[str]:
    if section.terms:
        yield from (f"| {section.heading.lower()} | |", "|---|---|")
        yield from (f"| `{term}` | {_escaped(meaning)} |" for term, meaning in section.terms)
    elif section.command:
        yield from (f"**{section.heading}.**", "", "```sh", section.command, "```")
    else:
        first, *rest = section.texts
        yield f"**{section.heading}.** {_escaped(first)}"
        for text in rest:
            yield from ("", _escaped(text))
    yield ""


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "|*_<>" else character for character in text)
