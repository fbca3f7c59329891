"""Which rows are listed, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from trainer.compare.groups import nearest
from trainer.compare.options import direction_of
from trainer.compare.runs import Run
from trainer.errors import CompareError
from trainer.identity import show
from trainer.listing.entries import Entry

NAMED = {"valid": "valid/accuracy", "test": "test/accuracy", "seconds": "train_seconds"}
"""Columns that are called otherwise in a summary."""
COLUMNS = ("age", "name", "status", "dataset", *NAMED)


class Condition(NamedTuple):
    """`key=value,value`: what a run that is listed has."""

    key: str
    values: tuple[str, ...]

    def holds(self, run: Run) -> bool:
        return any(_same(_value(run, self.key), text) for text in self.values)

    def __str__(self) -> str:
        return f"{self.key}={','.join(self.values)}"


ABSENT = object()
MANY = 12  # values in a sentence


def condition(word: str) -> Condition:
    """`optimizer=sgd,adam` and `model.hidden=[128,64]` as typed."""
    key, _, text = word.partition("=")
    return Condition(key, tuple(re.split(r",(?![^\[]*\])", text)))


def _value(run: Run, key: str) -> Hashable:
    """A run's value of a key; the data set is the one really used, under its name or with its digest."""
    if key == "dataset":
        return run.dataset.partition(" ")[0]
    return run.status if key == "status" else run.config.get(key, ABSENT)


def _same(value: Hashable, text: str) -> bool:
    if value is ABSENT or show(value) == text:
        return value is not ABSENT
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and float(text) == value
    except ValueError:
        return False


def chosen(runs: Sequence[Run], conditions: Iterable[Condition]) -> list[Run]:
    """The runs for which every condition holds. Raises CompareError for a key that no run has."""
    conditions = list(conditions)
    known = dict.fromkeys(["status", *(key for run in runs for key in run.config)])
    for each in conditions:
        if runs and each.key not in known:
            raise CompareError(f"{each}: no run has the key {each.key}{nearest(each.key, known)}")
    return [run for run in runs if all(each.holds(run) for each in conditions)]


def none_of(runs: Sequence[Run], conditions: Sequence[Condition]) -> str:
    """The sentence for conditions that no run meets, with the values that there are where one alone is to blame."""
    sentence = f"None of {len(runs)} runs has {' '.join(map(str, conditions))}."
    for each in conditions:
        if not any(each.holds(run) for run in runs):
            there = dict.fromkeys(show(v) for run in runs if (v := _value(run, each.key)) is not ABSENT)
            return f"{sentence} {each.key} is one of: {', '.join(list(there)[:MANY])}{', …' * (len(there) > MANY)}."
    return sentence


def in_order(rows: Sequence[Entry], key: str, name: Callable[[Path], str], reverse: bool) -> list[Entry]:
    """Rows by a column, a metric or a key of the configuration: the newest or the best first, names and words by alphabet; what
    has no value comes last. Raises CompareError for a key that no row has."""
    place = _order(rows, key, name)
    values = {id(row): place(row) for row in rows}
    newest_first = sorted(rows, key=lambda row: -row.last_written)
    with_value = [row for row in newest_first if values[id(row)] is not None]
    if rows and not with_value:
        known = [
            *COLUMNS,
            *dict.fromkeys(key for row in rows for run in row.runs for key in (*run.config, *run.summary)),
        ]
        raise CompareError(f"--sort {key}: no run has such a value{nearest(key, known)} Columns: {', '.join(COLUMNS)}.")
    ordered = sorted(with_value, key=lambda row: values[id(row)], reverse=reverse)  # type: ignore[arg-type,return-value]
    return [*ordered, *(row for row in newest_first if values[id(row)] is None)]


Place = tuple[bool, float, str] | None


def _order(rows: Sequence[Entry], key: str, name: Callable[[Path], str]) -> Callable[[Entry], Place]:
    if key == "age":
        return lambda row: (False, -row.last_written, "")
    if key == "name":
        return lambda row: (False, 0, name(row.directory))
    if key == "seconds":
        return lambda row: None if row.seconds is None else (False, row.seconds, "")
    metric = NAMED.get(key, key)
    if any(row.values(metric) for row in rows):
        return lambda row: _best(row, metric)
    return lambda row: _least(row, key)


def _best(row: Entry, metric: str) -> Place:
    sign = -1 if direction_of(metric) > 0 else 1
    values = [sign * value for value in row.values(metric)]
    return (False, min(values), "") if values else None


def _least(row: Entry, key: str) -> Place:
    """Numbers by size, before words by alphabet."""
    values = [value for run in row.runs if (value := _value(run, key)) is not ABSENT]
    places = [(False, float(v), "") if isinstance(v, int | float) else (True, 0.0, show(v)) for v in values]
    return min(places, default=None)
