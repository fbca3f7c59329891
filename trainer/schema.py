"""From plain data to a checked, frozen dataclass: types, intervals, unknown keys, and what was probably meant."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, Union

from trainer.errors import ConfigError
from trainer.techniques.numbers import Interval

Given = TypeVar("Given")
Held = TypeVar("Held")
T = TypeVar("T")


class Converted(Generic[Given, Held]):
    """A dataclass's field that takes one type and holds another: `convert(value, name)`, which raises ConfigError.

    A descriptor, because type checkers read both types from it: what the field may be given, and what it is afterwards.
    """

    def __init__(self, convert: Callable[[Given, str], Held], default: Given) -> None:
        self.convert, self.default = convert, default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object | None, owner: type | None = None) -> Held:
        value: Any = (
            self.default if instance is None else instance.__dict__[self.name]
        )  # dataclasses ask for the default
        return value  # type: ignore[no-any-return]

    def __set__(self, instance: object, value: Given) -> None:
        instance.__dict__[self.name] = self.convert(value, self.name)


class Choice(Converted[T | str | Mapping[str, Any], T]):
    """A field that takes a word of `table`, {'name': word, …} or one of its techniques, and holds the technique."""

    def __init__(self, table: Mapping[str, type[T]], default: str) -> None:
        super().__init__(lambda value, name: choose(table, value, name), default)
        self.table = table


def did_you_mean(word: str, words: Iterable[str], path: str = "") -> str:
    """' Did you mean …?' with the nearest of `words`, shown behind its `path`, or '' where none is near."""
    near = difflib.get_close_matches(str(word), list(words), n=1, cutoff=0.5)
    return f" Did you mean '{path}{near[0]}'?" if near else ""


def hints(cls: type) -> dict[str, Any]:
    """The annotation of each field of a dataclass, by name, intervals included."""
    return _hints(cls)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    annotations = typing.get_type_hints(cls, include_extras=True)
    return {field.name: annotations[field.name] for field in dataclasses.fields(cls) if field.init}


def parse(cls: type[T], data: Mapping[str, Any], path: str = "") -> T:
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


def choose(table: Mapping[str, type[T]], value: Any, group: str) -> T:
    """A technique from its word, from {'name': word, …}, or as it is when it is one already."""
    for cls in table.values():
        if isinstance(value, cls):
            return check_numbers(value, f"{group}.")
    keys = {"name": value} if isinstance(value, str) else value
    if not isinstance(keys, Mapping) or not isinstance(keys.get("name"), str):
        raise ConfigError(f"{group}={value!r} is not a choice. Choose one of: {', '.join(table)}.")
    word = keys["name"]
    if word not in table:
        raise ConfigError(f"There is no {group}={word}.{did_you_mean(word, table)} Choose one of: {', '.join(table)}.")
    return parse(table[word], {k: v for k, v in keys.items() if k != "name"}, f"{group}.")


def check_numbers(technique: T, path: str) -> T:
    """The dataclass again, its fields checked and converted like plain data (a list becomes a tuple, 1 becomes 1.0)."""
    cls: type[T] = type(technique)
    return parse(cls, {key: getattr(technique, key) for key in hints(cls)}, path)


def check(value: Any, hint: Any, path: str) -> Any:
    """`value` as the type that `hint` asks for; ConfigError with what is allowed where it does not fit."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        return _check_union(value, typing.get_args(hint), path)
    interval: Interval | None = hint.__metadata__[0] if typing.get_origin(hint) is Annotated else None
    kind = hint.__origin__ if interval else hint
    if typing.get_origin(kind) is tuple:
        return _check_list(value, typing.get_args(kind)[0], path)
    converted = _convert(value, kind)
    if converted is None or (interval and converted not in interval):
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


def describe(hint: Any) -> str:
    """A type in words: 'a number above 0', 'a whole number of at least 1 or null'."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        return " or ".join(describe(option) for option in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return " or ".join("null" if word is None else f"'{word}'" for word in typing.get_args(hint))
    if typing.get_origin(hint) is Annotated:
        return f"{describe(hint.__origin__)} {hint.__metadata__[0]}"
    if typing.get_origin(hint) is tuple:
        return f"a list, each entry {describe(typing.get_args(hint)[0])}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    return names.get(hint, str(hint))


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
