"""Effects of a factorial sweep: against statsmodels' regression, scipy's t-test and closed forms."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from trainer.compare.crossed import crossed
from trainer.compare.effects import effects, weights

FACTORS = {"clip": ["none", "grad"], "dropout": ["none", "half"], "optimizer": ["sgd", "momentum", "adam"]}
CELLS = list(product(*FACTORS.values()))


def sweep(seeds: int = 5) -> dict[tuple[str, ...], dict[int, float]]:
    """Dropout helps by 0.8 points, with clipping 0.4 less; adam by 2."""
    rng = np.random.default_rng(6)
    luck = rng.normal(0, 0.01, seeds)

    def value(cell: tuple[str, ...], seed: int) -> float:
        clip, dropout, optimizer = cell
        gain = (
            0.008 * (dropout == "half") - 0.004 * (dropout == "half" and clip == "grad") + 0.02 * (optimizer == "adam")
        )
        return 0.9 + gain + luck[seed] + rng.normal(0, 0.001)

    return {cell: {seed: value(cell, seed) for seed in range(seeds)} for cell in CELLS}


def found(cells: dict, factors: dict = FACTORS) -> dict:
    return {effect.terms: effect for effect in effects(cells, factors)}


def test_effects_are_found_and_named() -> None:
    ours = found(sweep())
    assert len(ours) == 4 + 5
    assert ours[(("dropout", "half"),)].difference.mean == pytest.approx(0.008 - 0.004 / 2, abs=0.001)
    both = ours[(("clip", "grad"), ("dropout", "half"))]
    assert both.difference.mean == pytest.approx(-0.004, abs=0.001)
    assert both.difference.low < -0.004 < both.difference.high
    assert both.p_holm < 0.05
    assert ours[(("optimizer", "adam"),)].difference.mean == pytest.approx(0.02, abs=0.001)


def test_estimates_are_those_of_a_regression_on_the_whole_factorial() -> None:
    """Sum-to-zero coding of each factor: with two levels the effect is twice the coefficient, an interaction four times."""
    pandas = pytest.importorskip("pandas")
    formula = pytest.importorskip("statsmodels.formula.api")
    factors = {"a": ["0", "1"], "b": ["0", "1"], "c": ["0", "1"]}
    rng = np.random.default_rng(8)
    cells = {cell: {seed: rng.normal() for seed in range(4)} for cell in product(*factors.values())}
    rows = [{"a": a, "b": b, "c": c, "s": s, "y": y} for (a, b, c), ys in cells.items() for s, y in ys.items()]
    long = pandas.DataFrame(rows).astype({"a": float, "b": float, "c": float})
    long[["a", "b", "c"]] = 2 * long[["a", "b", "c"]] - 1
    fit = formula.ols("y ~ a * b * c + C(s)", long).fit().params
    ours = found(cells, factors)
    assert ours[(("b", "1"),)].difference.mean == pytest.approx(2 * fit["b"])
    assert ours[(("a", "1"), ("c", "1"))].difference.mean == pytest.approx(4 * fit["a:c"])


def test_intervals_and_p_values_are_those_of_a_t_test_on_contrasts_within_seeds() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    cells = sweep()
    everything = effects(cells, FACTORS)
    for effect in everything:
        values = [sum(w * cells[cell][seed] for cell, w in effect.weights.items()) for seed in range(5)]
        test = scipy.stats.ttest_1samp(values, 0.0)
        interval = test.confidence_interval(0.95)
        ours = effect.difference
        assert (ours.low, ours.high, ours.p) == pytest.approx((interval.low, interval.high, test.pvalue), rel=1e-6)
    holm = multitest.multipletests([effect.difference.p for effect in everything], method="holm")[1]
    assert [effect.p_holm for effect in everything] == pytest.approx(list(holm))


@given(st.lists(st.integers(2, 3), min_size=1, max_size=3))
def test_weights_are_contrasts(sizes: list[int]) -> None:
    levels = [[f"{place}{level}" for level in range(size)] for place, size in enumerate(sizes)]
    single = weights(levels, [(0, "01")])
    assert sum(single.values()) == pytest.approx(0)
    assert sum(w for w in single.values() if w > 0) == pytest.approx(1)
    if len(sizes) > 1:
        double = weights(levels, [(0, "01"), (1, "11")])
        assert sum(double.values()) == pytest.approx(0)
        assert sum(w for w in double.values() if w > 0) == pytest.approx(2)


def test_seeds_are_blocks_and_incomplete_ones_are_left_out() -> None:
    cells = sweep()
    before = found(cells)
    moved = {cell: {seed: y + 10 * seed for seed, y in ys.items()} for cell, ys in cells.items()}
    for terms, effect in found(moved).items():
        assert effect.difference.mean == pytest.approx(before[terms].difference.mean, abs=1e-9)
    del cells[CELLS[0]][3]
    assert found(cells)[(("dropout", "half"),)].difference.n == 4


def test_an_incomplete_factorial_is_refused_by_name() -> None:
    cells = sweep()
    del cells[("grad", "half", "sgd")]
    with pytest.raises(ValueError, match="missing: grad/half/sgd"):
        effects(cells, FACTORS)


def test_one_seed_gives_estimates_without_tests() -> None:
    effect = effects(sweep(1), FACTORS, interactions=False)[0]
    assert (effect.difference.n, effect.difference.p, effect.p_holm) == (1, None, None)


def test_the_weights_serve_hits_as_well() -> None:
    """A contrast of tables of hits is a table of differences whose seed means are the contrast of accuracies."""
    rng = np.random.default_rng(9)
    hits = {cell: rng.random((4, 50)) < 0.9 for cell in CELLS}
    accuracies = {cell: dict(enumerate(table.mean(axis=1))) for cell, table in hits.items()}
    effect = effects(accuracies, FACTORS)[0]
    table = sum(weight * hits[cell] for cell, weight in effect.weights.items())
    assert crossed(table).mean == pytest.approx(effect.difference.mean)
    assert crossed(table).seeds_p == pytest.approx(effect.difference.p)


def test_a_seed_that_some_combination_lacks_is_left_out_of_all():
    whole = {("a",): {0: 0.1, 1: 0.3, 2: 0.2}, ("b",): {0: 0.2, 1: 0.5, 2: 0.4}}
    gaps = {("a",): whole["a",] | {7: 0.9}, ("b",): whole["b",] | {8: 0.1}}
    assert effects(gaps, {"f": ["a", "b"]}) == effects(whole, {"f": ["a", "b"]})
