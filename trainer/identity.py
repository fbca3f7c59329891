"""What a run is: its configuration as flat keys, which of them count, and how two configurations differ. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from functools import cache, lru_cache
from typing import Any

from trainer.experiment import GROUPS, SECTIONS, Experiment, default_batch_size
from trainer.terminal.printable import printable

FORMAT = 4
"""Of every file of a run or a sweep that is read back. This version reads 3 and 4, and writes 4; the rule is in CHANGELOG.md."""
READABLE = (3, FORMAT)

HOUSEKEEPING = ("format", "name", "device", "threads", "dataset.root", "dataset.fallback", "checkpoint", "report")
"""Keys, or whole groups of keys, that are no part of what a run is: they may be given anew to `resume`, other values are no
reason to train a cell of a sweep again, nor for a row of its own in `compare`. The data really used are part of it."""

WATCHED = ("seed", "target", "record_every", "dataset.path")
"""Keys that change nothing of what a run learns: runs are averaged over the seed and paired by it. Data are told apart by
their digest, wherever they lie."""


SCALARS = (str, int, float, type(None))


def flatten(config: Mapping[Any, Any]) -> dict[str, Hashable]:
    """`{"optimizer": {"name": "sgd", "lr": 0.1}}` → `{"optimizer": "sgd", "optimizer.lr": 0.1}`; lists → tuples."""
    flat: dict[str, Hashable] = {}
    for key, value in config.items():
        if isinstance(value, SCALARS):  # asking for abstract classes costs more than all the rest
            flat[str(key)] = value
        elif isinstance(value, Mapping):
            inner = flatten(value)
            word = {str(key): inner.pop("name")} if "name" in inner else {}
            flat |= word | {f"{key}.{rest}": leaf for rest, leaf in inner.items()}
        else:
            flat[str(key)] = _frozen(value)
    return flat


def complete(flat: Mapping[str, Hashable]) -> dict[str, Hashable]:
    """The flat configuration with every key that it lacks at its default: a key of a later version changes no older run."""
    whole = dict(flat)
    for key, default in _top_level_defaults().items():
        whole.setdefault(key, default)
    for group in GROUPS:
        for key, default in _defaults(group, whole[group]).items():
            whole.setdefault(key, default)
    return whole


def plain_word(group: str) -> str:
    """The word of a group where no technique is chosen."""
    return str(complete({})[group])


@cache
def _top_level_defaults() -> dict[str, Hashable]:
    """Keys and words at the top, and the sections; `batch_size` depends on the optimizer, and every version has written it."""
    defaults = {f.name: f.default for f in dataclasses.fields(Experiment) if f.name not in (*SECTIONS, "batch_size")}
    sections = {f"{key}.{f.name}": f.default for key, cls in SECTIONS.items() for f in dataclasses.fields(cls)}
    return defaults | sections


@cache
def _defaults(group: str, word: Hashable) -> dict[str, Hashable]:
    """The numbers of a group's word; none where this version does not know it."""
    technique = GROUPS[group].get(str(word))
    numbers = dataclasses.fields(technique) if technique else ()
    return {f"{group}.{f.name}": f.default for f in numbers if f.default is not dataclasses.MISSING}


def _frozen(value: Any) -> Hashable:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else _hashable(value)


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, Hashable) else repr(value)


def known_formats() -> str:
    """How the sentence about an unknown format ends."""
    return (
        f"this version of train reads {' and '.join(map(str, READABLE))}: use the version that wrote it, or start anew."
    )


def is_housekeeping(key: str) -> bool:
    """Whether a key is no part of what a run is."""
    return _among(key, HOUSEKEEPING)


def may_be_given(key: str) -> bool:
    """Whether `resume` takes a key: the length of a run, and what is no part of what it is. Which data lie at a path is told
    by their digest; a run's name is that of its directory."""
    return key in ("epochs", "dataset.path") or (is_housekeeping(key) and key not in ("format", "name"))


@lru_cache(maxsize=1000)  # thousands of runs have the same keys
def is_learning(key: str) -> bool:
    """Whether a key can change what a run learns, beside the seed."""
    return not _among(key, (*HOUSEKEEPING, *WATCHED))


def _among(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)


def differences(config: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    """The keys that make two configurations different runs."""
    one, two = complete(flatten(config)), complete(flatten(other))
    return {key for key in {*one, *two} if one.get(key) != two.get(key) and not is_housekeeping(key)}


def changes(flat: Mapping[str, Hashable]) -> dict[str, Hashable]:
    """The keys of a complete flat configuration that are not at their defaults, the seed last: what was typed to get the run,
    or could have been. Left out is what is no part of what a run is."""
    defaults = _defaults_beside(tuple(flat.get(group) for group in GROUPS))
    wanted = [key for key in flat if is_learning(key)] + ["seed"]
    return {key: flat[key] for key in wanted if key in flat and flat[key] != defaults.get(key)}


@lru_cache(maxsize=1000)
def _defaults_beside(words: tuple[Hashable, ...]) -> dict[str, Hashable]:
    """The default of each key where `words` are chosen in the groups."""
    chosen = dict(zip(GROUPS, words, strict=True))
    return complete(chosen) | _top_level_defaults() | {"batch_size": default_batch_size(str(chosen["optimizer"]))}


def show(value: Hashable) -> str:
    """A value as one would type it on the command line."""
    if isinstance(value, tuple):
        return f"[{','.join(show(item) for item in value)}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return short if float(short := format(value, "g")) == value else repr(value)
    return printable(value)
