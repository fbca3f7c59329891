"""From plain data to a checked, frozen dataclass: types, intervals, unknown keys, and what was probably meant."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import sys
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal, Union

from trainer.errors import ConfigError


def did_you_mean(word: str, words: Iterable[str], path: str = "") -> str:
    """' Did you mean …?' with the nearest of `words`, shown behind its `path`, or '' where none is near."""
    near = difflib.get_close_matches(str(word), list(words), n=1, cutoff=0.5)
    return f" Did you mean '{path}{near[0]}'?" if near else ""


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """The annotation of each field of a dataclass, by name, intervals included."""
    annotations = typing.get_type_hints(cls, include_extras=True)
    return {field.name: annotations[field.name] for field in dataclasses.fields(cls) if field.init}


def parse(cls: type, data: Mapping[str, Any], path: str = "") -> Any:
    """Make a `cls` from `data`; keys left out take the dataclass's defaults.

    Raises ConfigError naming the key by its `path` on the command line.
    """
    fields = hints(cls)
    for key in data:
        if key not in fields:
            raise ConfigError(unknown_key(path + str(key), path, fields))
    return cls(**{key: check(value, fields[key], path + key) for key, value in data.items()})


def unknown_key(key: str, path: str, fields: Collection[str]) -> str:
    """The sentence for a key that is not there."""
    known = [path + field for field in fields]
    allowed = f"Known: {', '.join(known)}." if known else f"'{path.rstrip('.')}' takes no keys here."
    meant = did_you_mean(
        key.removeprefix(path), fields, path
    )  # the path is common to all, and would make all seem near
    return f"There is no key '{key}'.{meant} {allowed}"


def choose(table: Mapping[str, type], value: Any, group: str) -> Any:
    """A technique from its word, from {'name': word, …}, or as it is when it is one already."""
    if isinstance(value, tuple(table.values())):
        return check_numbers(value, f"{group}.")
    keys = {"name": value} if isinstance(value, str) else value
    if not isinstance(keys, Mapping) or not isinstance(keys.get("name"), str):
        raise ConfigError(f"{group}={value!r} is not a choice. Choose one of: {', '.join(table)}.")
    word = keys["name"]
    if word not in table:
        raise ConfigError(f"There is no {group}={word}.{did_you_mean(word, table)} Choose one of: {', '.join(table)}.")
    return parse(table[word], {k: v for k, v in keys.items() if k != "name"}, f"{group}.")


def check_numbers(technique: Any, path: str) -> Any:
    """The dataclass again, its fields checked and converted like plain data (a list becomes a tuple, 1 becomes 1.0)."""
    return parse(type(technique), {key: getattr(technique, key) for key in hints(type(technique))}, path)  # type: ignore[arg-type]  # a class is hashable


def check(value: Any, hint: Any, path: str) -> Any:
    """`value` as the type that `hint` asks for; ConfigError with what is allowed where it does not fit."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        return _check_union(value, typing.get_args(hint), path)
    interval = hint.__metadata__[0] if typing.get_origin(hint) is Annotated else None
    kind = hint.__origin__ if interval else hint
    if typing.get_origin(kind) is tuple:
        return _check_list(value, typing.get_args(kind)[0], path)
    converted = _convert(value, kind)
    if converted is None or (interval and not _inside(converted, interval)):
        raise ConfigError(f"{path}={_shown(value)} is not allowed: it must be {describe(hint)}.")
    return converted


def _check_union(value: Any, options: tuple[Any, ...], path: str) -> Any:
    if value is None and type(None) in options:
        return None
    for option in options:
        try:
            return check(value, option, path)
        except ConfigError:
            continue
    raise ConfigError(f"{path}={_shown(value)} is not allowed: it must be {describe(Union[options])}.")  # noqa: UP007


def _check_list(value: Any, item: Any, path: str) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(f"{path}={_shown(value)} is not allowed: it must be a list like [128,64].")
    return tuple(check(entry, item, path) for entry in value)


def _convert(value: Any, kind: Any) -> Any:
    """`value` as `kind`, or None where that would change its meaning (1e2 is no whole number, true no number)."""
    if typing.get_origin(kind) is Literal:
        return value if value in typing.get_args(kind) else None
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= sys.float_info.max else None  # neither inf nor nan nor 10^400
    if kind is int and isinstance(value, bool):
        return None
    return value if isinstance(kind, type) and isinstance(value, kind) else None


def _inside(value: float, interval: str) -> bool:
    low, high = (_bound(text) for text in interval[1:-1].split(","))
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    return above and below


def _bound(text: str) -> float:
    """Whole bounds as int: 2^63 − 1 is no float."""
    return int(text) if text.strip().lstrip("-").isdigit() else float(text)


def describe(hint: Any) -> str:
    """A type in words: 'a number above 0', 'a whole number of at least 1 or null'."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        return " or ".join(describe(option) for option in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return " or ".join("null" if word is None else f"'{word}'" for word in typing.get_args(hint))
    if typing.get_origin(hint) is Annotated:
        return f"{describe(hint.__origin__)}{_bounds(hint.__metadata__[0])}"
    if typing.get_origin(hint) is tuple:
        return f"a list, each entry {describe(typing.get_args(hint)[0])}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    return names.get(hint, str(hint))


def _bounds(interval: str) -> str:
    low, high = (bound.strip() for bound in interval[1:-1].split(","))
    words = []
    if low != "-inf":
        words.append(f"of at least {low}" if interval[0] == "[" else f"above {low}")
    if high != "inf":
        words.append(f"at most {high}" if interval[-1] == "]" else f"below {high}")
    return " " + " and ".join(words) if words else ""


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
