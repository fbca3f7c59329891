"""YAML of strangers, read safely, and of our own, read quickly: the configurations of thousands of runs differ in a few lines."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

from trainer.report.plain import DEEPEST, Unreadable, plain_data

# libyaml reads 300 configurations in 0.1 s, pure Python in 0.7 s.
YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

VALUE = r"(?: [\w./][\w ./+=,-]*)?"  # no quotes, no brackets, nothing that means something to YAML
SECTION = rf"[a-z_]+:{VALUE}\n(?: +(?:\w+:|-){VALUE}\n)*"
EACH, WHOLE = re.compile(SECTION, re.ASCII), re.compile(f"(?:{SECTION})+", re.ASCII)
SEED = re.compile(r"\nseed: (0|[1-9]\d{0,14})\n", re.ASCII)
LONGEST = 10_000  # characters of a configuration that is split into sections; ours have 1,000


def load_yaml(text: str) -> Any:
    """What a YAML text holds, as plain data. Raises yaml.YAMLError, or Unreadable.

    A configuration as we write it means what its sections mean one by one, a section being a key at the top with all that is
    indented below it. So only those are parsed that no text before it had.
    """
    if len(text) > LONGEST or not WHOLE.fullmatch(text):
        return _parse(text)
    parts = EACH.findall(text)
    return {key: _copy(value) for part in parts for key, value in _parse_section(part).items()}


def seed_apart(text: str) -> tuple[str, int] | None:
    """A configuration as we write it, with 0 for its seed: the runs of all seeds have this text in common. And the seed."""
    found = SEED.search(text)
    if not found or text.count("\nseed:") > 1 or len(text) > LONGEST:
        return None
    common = f"{text[: found.start(1)]}0{text[found.end(1) :]}"
    return (common, int(found[1])) if _is_ours(common) else None


@lru_cache(maxsize=10_000)
def _is_ours(text: str) -> bool:
    return WHOLE.fullmatch(text) is not None


@lru_cache(maxsize=10_000)
def _parse_section(text: str) -> Any:
    return _parse(text)


def _copy(value: Any) -> Any:
    """Plain data that nobody shares."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _parse(text: str) -> Any:
    """Parsers build nested lists by recursion, in C until the stack overflows: the depth is counted before."""
    if "*" in text or _deepest_possible(text) > DEEPEST:
        _check_events(text)
    return plain_data(yaml.load(text, Loader=YamlLoader))  # a safe loader, in C or in Python


def _deepest_possible(text: str) -> int:
    """A bound on the nesting that costs next to nothing: every bracket is a level, every column of indentation two (a mapping
    and the list that is its value may begin in the same one)."""
    return text.count("[") + text.count("{") + 2 * max(map(len, re.findall(r"[ \t?:-]+", text)), default=0)


def _check_events(text: str) -> None:
    """Raises Unreadable for aliases, which a few lines can nest into billions of values, and for too deep a nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=YamlLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("YAML aliases are not allowed here")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Unreadable("it is nested too deeply")
