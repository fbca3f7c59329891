"""A row against the baseline: seeds and images counted where the runs kept which images they got right, else seeds alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.compare.crossed import Crossed, Parts, crossed, judge
from trainer.compare.grades import Graded, graded
from trainer.compare.pairing import by_seed
from trainer.compare.planning import default_margin
from trainer.compare.runs import Run
from trainer.compare.statistics import Difference, paired_difference
from trainer.report.hits import Hits

SPLITS = {"valid/accuracy": "valid", "test/accuracy": "test"}
"""The metrics that are means of hits: those of the final network."""


@dataclass(frozen=True)
class Judgement:
    """`difference` is paired by seed; `crossed` counts images too, or holds seeds alone where there are no hits (m = 0).

    `margin` is the difference that does not matter, in the metric's own unit; None where nobody named one."""

    difference: Difference
    crossed: Crossed
    graded: Graded
    margin: float | None

    @property
    def counts_images(self) -> bool:
        return self.crossed.m > 0

    @property
    def p(self) -> float | None:
        """The corrected p-value of the strictest test there is."""
        return self.graded.p if self.counts_images else self.graded.seeds_p


def judge_pairs(pairs: Sequence[tuple[list[Run], list[Run]]], metric: str, margin: float | None) -> list[Judgement]:
    """Each pair of matched rows, ours and the baseline's, judged together: the p-values are corrected for their number."""
    differences = [paired_difference(by_seed(ours, metric), by_seed(base, metric)) for ours, base in pairs]
    results = [
        _seeds_alone(difference) if table is None else crossed(table)
        for difference, table in zip(differences, (hits_table(*pair, metric) for pair in pairs), strict=True)
    ]
    images = max((result.m for result in results), default=0)
    wanted = default_margin(images) if margin is None and images else margin
    grades = graded(results, wanted or 0.0)
    return [Judgement(*each, wanted) for each in zip(differences, results, grades, strict=True)]


def _seeds_alone(difference: Difference) -> Crossed:
    """The analysis without images: what a paired t-test knows."""
    variance = None if difference.sd is None else difference.sd**2 / difference.n
    return judge(Parts(difference.n, 0, difference.mean, variance))


def hits_table(ours: Sequence[Run], base: Sequence[Run], metric: str) -> NDArray[np.float64] | None:
    """d[seed, image], the hits of ours less the baseline's; None where some run lacks them or was judged on other images.

    A seed with several runs (other settings inside a row) counts their mean."""
    split = SPLITS.get(metric)
    if split is None or not ours:
        return None
    first = ours[0].hits
    if first is None or not all(_same_images(run.hits, first, split) for run in (*ours, *base)):
        return None
    mine, theirs = _by_seed(ours, split), _by_seed(base, split)
    return np.stack([mine[seed] - theirs[seed] for seed in mine if seed in theirs])


def _same_images(hits: Hits | None, first: Hits, split: str) -> bool:
    if hits is None or split not in hits.right or split not in first.right:
        return False
    held_out = split != "valid" or hits.split == first.split
    return held_out and hits.digest == first.digest and len(hits.right[split]) == len(first.right[split])


def _by_seed(runs: Sequence[Run], split: str) -> dict[Hashable, NDArray[np.float64]]:
    tables: dict[Hashable, list[NDArray[np.bool_]]] = {}
    for run in runs:
        if run.hits is not None:
            tables.setdefault(run.seed, []).append(run.hits.right[split])
    return {seed: np.mean(rows, axis=0) for seed, rows in tables.items()}
