"""The effects of a factorial sweep, from the rows of a table: which keys are its factors, and what each level changes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from trainer.compare.comparison import Table
from trainer.compare.effects import Cell, Effect, effects
from trainer.compare.groups import Keys, varying
from trainer.compare.judging import Judgement, hits_by_seed, judge_differences
from trainer.compare.options import Options
from trainer.compare.pairing import by_seed
from trainer.compare.rows import Row
from trainer.compare.scales import difference_scale
from trainer.compare.verdicts import is_shown
from trainer.identity import complete, show


@dataclass(frozen=True)
class Judged:
    """One effect with its verdict; its p-values are Holm's over all effects of the sweep."""

    effect: Effect
    judgement: Judgement

    @property
    def name(self) -> str:
        """`dropout=half`, or `dropout=half with normalization=batch`: the words that replace the plain ones."""
        return " with ".join(level for _, level in self.effect.terms)


@dataclass(frozen=True)
class Factor:
    """Keys that change together, such as `clip` and `clip.threshold`, and their levels as typed, the plain one first."""

    keys: Keys
    levels: tuple[str, ...]

    def level(self, row: Row) -> str:
        return _typed(row, self.keys)


@dataclass(frozen=True)
class Factorial:
    """All effects of a table against the `plain` level of each factor, or the sentence that says why it has none."""

    effects: list[Judged]
    plain: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


def factorial(table: Table, options: Options) -> Factorial:
    """Main effects and two-way interactions over the table's rows, seeds as blocks, images counted where all runs have hits."""
    factors = _factors(table, options)
    if len(factors) < 2:
        return Factorial([], problem="Effects need at least two keys that vary; the table above says all about one.")
    rows = {tuple(factor.level(row) for factor in factors): row for row in table.rows}
    missing = [cell for cell in product(*(f.levels for f in factors)) if cell not in rows or not rows[cell].counted]
    if missing:
        return Factorial([], problem=_incomplete(missing))
    cells = {cell: by_seed(row.counted, options.metric) for cell, row in rows.items()}
    found = effects(cells, {factor.keys[0]: factor.levels for factor in factors})
    tables = _hits(found, rows, options.metric)
    judged = judge_differences([each.difference for each in found], tables, options.margin_in_unit)
    plain = {factor.keys[0]: factor.levels[0] for factor in factors}
    return Factorial([Judged(*each) for each in zip(found, judged, strict=True)], plain)


def _incomplete(missing: Sequence[Cell]) -> str:
    some = "; ".join(" ".join(cell) for cell in missing[:3]) + (f"; and {len(missing) - 3} more" * (len(missing) > 3))
    return f"Effects need a mean for every combination of what varies. Missing: {some}."


def _factors(table: Table, options: Options) -> list[Factor]:
    """A factor for each key that varies. A number that not every row has (a threshold beside `clip=none`) belongs to its
    group's factor."""
    owned: dict[str, list[str]] = {}
    for key in options.by or _keys(table, options):
        everywhere = all(key in row.settings for row in table.rows)
        owner = key if everywhere else key.partition(".")[0]
        owned.setdefault(owner, [owner]).extend([key] if key != owner else [])
    factors = [_factor(table, tuple(keys)) for keys in owned.values()]
    return [factor for factor in factors if len(factor.levels) > 1]


def _factor(table: Table, keys: Keys) -> Factor:
    """The plain level is the default; where that was not run, the baseline's."""
    default = complete({}).get(keys[0])

    def fanciness(row: Row) -> tuple[bool, bool]:
        return row.settings.get(keys[0]) != default, row.label != table.baseline

    return Factor(keys, tuple(dict.fromkeys(_typed(row, keys) for row in sorted(table.rows, key=fanciness))))


def _typed(row: Row, keys: Keys) -> str:
    return " ".join(f"{key}={show(row.settings[key])}" for key in keys if key in row.settings)


def _keys(table: Table, options: Options) -> Keys:
    runs = [run for row in table.rows for run in row.everything]
    return tuple(key for key in varying(runs) if key not in (*options.tune, "dataset"))


def _hits(found: Sequence[Effect], rows: Mapping[Cell, Row], metric: str) -> list[NDArray[np.float64] | None]:
    """For each effect the same contrast of hits as of means, d[seed, image]; None where some run has no hits."""
    kept = hits_by_seed(*(row.counted for row in rows.values()), metric=metric)
    if kept is None:
        return [None] * len(found)
    hits = dict(zip(rows, kept, strict=True))
    seeds = [seed for seed in kept[0] if all(seed in each for each in kept)]
    return [np.stack([_contrast(each, hits, seed) for seed in seeds]) if seeds else None for each in found]


def _contrast(
    effect: Effect, hits: Mapping[Cell, Mapping[Hashable, NDArray[np.float64]]], seed: Hashable
) -> NDArray[np.float64]:
    parts = np.stack([weight * hits[cell][seed] for cell, weight in effect.weights.items()])
    return np.asarray(parts.sum(axis=0))


def in_a_sentence(found: Factorial, metric: str) -> str:
    """The effects that were shown, and what changes them: `dropout=half +0.80 points; with clip=grad 0.40 lower than with
    clip=none`."""
    shown = [each for each in found.effects if is_shown(each.judgement)]
    parts = []
    for each in found.effects:
        beside = [
            other for other in shown if len(other.effect.terms) > 1 and each.effect.terms[0] in other.effect.terms
        ]
        if len(each.effect.terms) == 1 and (each in shown or beside):
            parts.append("; ".join([_change(each, metric), *(_beside(each, other, found, metric) for other in beside)]))
    return f"{'. '.join(parts)}." if parts else "No effect is shown."


def _change(each: Judged, metric: str) -> str:
    scale = difference_scale(each.judgement, metric)
    word = "" if is_shown(each.judgement) else " (not shown)"
    return f"{each.name} {scale(each.judgement.difference.mean, '+')}{scale.unit}{word}"


def _beside(each: Judged, other: Judged, found: Factorial, metric: str) -> str:
    """What another technique does to an effect."""
    scale, mean = difference_scale(other.judgement, metric), other.judgement.difference.mean or 0.0
    ((key, partner),) = (term for term in other.effect.terms if term != each.effect.terms[0])
    return f"with {partner} {scale(abs(mean))} {'higher' if mean > 0 else 'lower'} than with {found.plain[key]}"
