"""The effects of a factorial sweep: what each technique changes on average, and how much less or more beside another.

Every combination was run with the same seeds, so each seed is a block: an effect is computed within each seed, and the
seeds' values give its interval and Student's paired t-test (Montgomery, *Design and Analysis of Experiments*, chapter 6).
Holm's correction counts all effects of the sweep. Effects are in the unit of the metric.

    main effect of A = a       the mean, over the other factors' levels, of  y(a) − y(plain)
    interaction of a with b    the mean, over the remaining factors' levels, of  [y(a, b) − y(plain, b)] − [y(a) − y(plain)]

An interaction is thus the change of A's effect where b replaces B's plain level, and of B's where a does: not halved.
The same weights applied to tables of hits instead of means give a table of differences for `crossed`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from trainer.compare.statistics import Difference, holm, paired_difference

Cell = tuple[str, ...]
Term = tuple[int, str]  # a factor's place and the level that replaces its plain one


@dataclass(frozen=True)
class Effect:
    """One contrast: a main effect (one `terms` pair of factor and level) or an interaction (two)."""

    terms: tuple[tuple[str, str], ...]
    weights: Mapping[Cell, float]
    difference: Difference
    p_holm: float | None = None


def effects(
    cells: Mapping[Cell, Mapping[Hashable, float]], factors: Mapping[str, Sequence[str]], interactions: bool = True
) -> list[Effect]:
    """All main effects, then all two-way interactions, each level against its factor's first, the plain one.

    `cells[levels in the order of factors][seed]` is the metric. Seeds that some cell lacks are left out of all."""
    levels = [tuple(values) for values in factors.values()]
    missing = [cell for cell in product(*levels) if not cells.get(cell)]
    if missing:
        raise ValueError(f"not every combination was run; missing: {', '.join('/'.join(cell) for cell in missing)}")
    whole = {cell: cells[cell] for cell in product(*levels)}
    seeds = [seed for seed in next(iter(whole.values())) if all(seed in values for values in whole.values())]
    found = [_effect(whole, seeds, levels, terms, list(factors)) for terms in _terms(levels, interactions)]
    corrected = holm([effect.difference.p for effect in found])
    return [replace(effect, p_holm=p) for effect, p in zip(found, corrected, strict=True)]


def _terms(levels: Sequence[Sequence[str]], interactions: bool) -> Iterator[tuple[Term, ...]]:
    singles = [[(place, level) for level in values[1:]] for place, values in enumerate(levels)]
    for terms in singles:
        yield from ((term,) for term in terms)
    if interactions:
        for left, right in combinations(singles, 2):
            yield from product(left, right)


def weights(levels: Sequence[Sequence[str]], terms: Sequence[Term]) -> dict[Cell, float]:
    """The contrast's weight of each cell; those that it leaves out have none."""
    chosen = dict(terms)
    others = math.prod(len(values) for place, values in enumerate(levels) if place not in chosen)
    signs = [
        {level: 1.0, values[0]: -1.0} if (level := chosen.get(place)) is not None else dict.fromkeys(values, 1.0)
        for place, values in enumerate(levels)
    ]
    return {
        tuple(level for level, _ in cell): math.prod(sign for _, sign in cell) / others
        for cell in product(*(sign.items() for sign in signs))
    }


def _effect(
    cells: Mapping[Cell, Mapping[Hashable, float]],
    seeds: Sequence[Hashable],
    levels: Sequence[Sequence[str]],
    terms: tuple[Term, ...],
    names: Sequence[str],
) -> Effect:
    by_cell = weights(levels, terms)
    # As a pair of sums, so that values are alike or not beside their own size
    gains = {seed: math.fsum(w * cells[cell][seed] for cell, w in by_cell.items() if w > 0) for seed in seeds}
    losses = {seed: -math.fsum(w * cells[cell][seed] for cell, w in by_cell.items() if w < 0) for seed in seeds}
    named = tuple((names[place], level) for place, level in terms)
    return Effect(named, by_cell, paired_difference(gains, losses))
