"""A row against the baseline: seeds and images counted where the runs kept which images they got right, else seeds alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.compare.clocks import clock_difference, is_clocked
from trainer.compare.crossed import Crossed, Parts, crossed, judge
from trainer.compare.grades import Graded, graded
from trainer.compare.pairing import by_seed
from trainer.compare.planning import default_margin
from trainer.compare.runs import Run
from trainer.compare.splits import overlap
from trainer.compare.statistics import Difference, paired_difference
from trainer.records import Status
from trainer.report.hits import Hits

SPLITS = {"valid/accuracy": "valid", "test/accuracy": "test"}
"""The metrics that are means of hits: those of the final network."""


@dataclass(frozen=True)
class Judgement:
    """`difference` is paired by seed; `crossed` counts images too, or holds seeds alone where there are no hits (m = 0).

    `margin` is the difference that does not matter, in the metric's own unit; None where nobody named one. With `clocks` n
    counts the clocks that measured, not seeds."""

    difference: Difference
    crossed: Crossed
    graded: Graded
    margin: float | None
    clocks: bool = False

    @property
    def counts_images(self) -> bool:
        return self.crossed.m > 0

    @property
    def p(self) -> float | None:
        """The corrected p-value of the strictest test there is."""
        return self.graded.p if self.counts_images else self.graded.seeds_p


def judge_pairs(pairs: Sequence[tuple[list[Run], list[Run]]], metric: str, margin: float | None) -> list[Judgement]:
    """Each pair of matched rows, ours and the baseline's, judged together: the p-values are corrected for their number."""
    differences = [_difference(*pair, metric) for pair in pairs]
    tables = [hits_table(*pair, metric) for pair in pairs]
    return judge_differences(differences, tables, margin, is_clocked(metric))


def _difference(ours: Sequence[Run], base: Sequence[Run], metric: str) -> Difference:
    if is_clocked(metric):
        return clock_difference(ours, base, metric)
    return paired_difference(by_seed(ours, metric), by_seed(base, metric), overlap([*ours, *base], metric))


def judge_differences(
    differences: Sequence[Difference],
    tables: Sequence[NDArray[np.float64] | None],
    margin: float | None,
    clocks: bool = False,
) -> list[Judgement]:
    """Differences over seeds, with their tables d[seed, image] where there are hits, judged as one family."""
    results = [
        _seeds_alone(difference) if table is None else crossed(table)
        for difference, table in zip(differences, tables, strict=True)
    ]
    images = max((result.m for result in results), default=0)
    wanted = default_margin(images) if margin is None and images else margin
    grades = graded(results, wanted or 0.0)
    return [Judgement(*each, wanted, clocks) for each in zip(differences, results, grades, strict=True)]


def _seeds_alone(difference: Difference) -> Crossed:
    """The analysis without images: what a paired t-test knows, where there was one."""
    variance = None if difference.low is None else difference.variance
    return judge(Parts(difference.n, 0, difference.mean, variance))


def hits_table(ours: Sequence[Run], base: Sequence[Run], metric: str) -> NDArray[np.float64] | None:
    """d[seed, image], the hits of ours less the baseline's; None where some run lacks them or was judged on other images.

    A seed with several runs (other settings inside a row) counts their mean; a diverged run, which is only here where it
    is to rank last, is right nowhere."""
    found = hits_by_seed(ours, base, metric=metric)
    if not found or not found[0]:
        return None
    mine, theirs = found
    return np.stack([mine[seed] - theirs[seed] for seed in mine if seed in theirs])


def hits_by_seed(*rows: Sequence[Run], metric: str) -> list[dict[Hashable, NDArray[np.float64]]] | None:
    """The hits of each row by seed, shape (images,) each; None where a run lacks them or was judged on other images."""
    split = SPLITS.get(metric)
    kept = [run.hits for row in rows for run in row if run.status != Status.DIVERGED]
    if split is None or not kept or kept[0] is None or not all(_same_images(hits, kept[0], split) for hits in kept):
        return None
    images = len(kept[0].right[split])
    return [_by_seed(row, split, images) for row in rows]


def _same_images(hits: Hits | None, first: Hits, split: str) -> bool:
    if hits is None or split not in hits.right or split not in first.right:
        return False
    held_out = split != "valid" or hits.split == first.split
    return held_out and hits.digest == first.digest and len(hits.right[split]) == len(first.right[split])


def _by_seed(runs: Sequence[Run], split: str, images: int) -> dict[Hashable, NDArray[np.float64]]:
    tables: dict[Hashable, list[NDArray[np.bool_]]] = {}
    for run in runs:
        kept = None if run.status == Status.DIVERGED else run.hits
        right = np.zeros(images, bool) if kept is None else kept.right[split]
        tables.setdefault(run.seed, []).append(right)
    return {seed: sum(rows[1:], rows[0].astype(float)) / len(rows) for seed, rows in tables.items()}
