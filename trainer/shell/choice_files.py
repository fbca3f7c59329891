"""The YAML files of the choices, as texts to show: what a choice is and what it is for, and what each of its numbers means.

A file begins with comments: one line that says what the choice is, then paragraphs that begin with a label (`When: …`), whose
further lines are indented. After them each `key: value` has its meaning as a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAIN = "config.yaml"


@dataclass(frozen=True)
class Setting:
    """A key of a file with its default as YAML has it, and what it means."""

    key: str
    default: str
    meaning: str


@dataclass(frozen=True)
class ChoiceFile:
    """A choice's file: its path, the line that says what it is, its labelled paragraphs, its numbers."""

    path: Path
    what: str
    parts: dict[str, str]
    settings: list[Setting]

    @property
    def group(self) -> str:
        return self.path.parent.name

    @property
    def word(self) -> str:
        return self.path.stem


def read_choice(path: Path) -> ChoiceFile:
    """Reads a choice's file; one without comments has no texts."""
    text = path.read_text(encoding="utf-8")
    comments = [line[1:] for line in text.splitlines() if re.match(r"#(?! ?@)", line)]  # Hydra's line is not for people
    first = comments[0].strip() if comments else ""
    settings = [each for each in read_settings(text) if each.key != "name"]
    return ChoiceFile(path, re.sub(r"; select with \S+$", "", first), _parts(comments[1:]), settings)


def _parts(comments: list[str]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for line in comments:
        begins = re.match(r" ([A-Z][a-z]+(?: [a-z]+)?): (.*)", line)
        if begins:
            parts[begins[1]] = begins[2].strip()
        elif parts:
            parts[list(parts)[-1]] += f" {line.strip()}"
    return parts


def read_settings(text: str) -> list[Setting]:
    """The keys at the top of a YAML text that have a value and a comment, and those of a section below it."""
    found, outer = [], ""
    for line in text.splitlines():
        if section := re.fullmatch(r"(\w+):", line):
            outer = f"{section[1]}."
        elif setting := re.match(r"( *)(\w+): +(\S(?:.*?\S)?) +# (.*)", line):
            found.append(
                Setting(f"{outer if setting[1] else ''}{setting[2]}", setting[3], setting[4].strip().replace("`", ""))
            )
    return found


def main_settings(conf: Path) -> list[Setting]:
    """The settings that are no choice: name, seed, epochs, …"""
    text = (conf / MAIN).read_text(encoding="utf-8")
    body = text.partition("\nhydra:")[0]
    return read_settings("\n".join(line for line in body.splitlines() if not line.startswith("  - ")))


@dataclass(frozen=True)
class Group:
    """A group: its default word (None for `experiment`), what it does, and the files of its words, the default first."""

    name: str
    default: str | None
    what: str
    files: list[Path]


def groups(conf: Path, extra: Path | None = None) -> Iterator[Group]:
    """The groups in their order, with the choices of the folder `extra` that --config-dir names."""
    main = (conf / MAIN).read_text(encoding="utf-8")
    for name, default, what in re.findall(r"^  - (\w+): (\w+) *(?:# (.*))?$", main, re.MULTILINE):
        places = [folder for folder in (extra, conf) if folder is not None]
        files = {file.stem: file for folder in reversed(places) for file in (folder / name).glob("*.yaml")}
        ordered = sorted(files.values(), key=lambda file: (file.stem not in (default, "none"), file.stem))
        yield Group(name, None if default == "null" else default, what, ordered)
