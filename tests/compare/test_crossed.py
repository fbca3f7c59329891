"""Seeds and images as crossed random effects: against statsmodels and scipy, as properties, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from trainer.compare.crossed import Crossed, Parts, crossed, differences, half_width, judge, parts

TABLES = arrays(np.int8, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=7), elements=st.integers(-1, 1))


def frozen(n: int = 5, m: int = 60) -> np.ndarray:
    """Differences of two networks that disagree on about a quarter of the answers, on some images always."""
    rng = np.random.default_rng(3)
    ease = rng.normal(1.0, 1.0, m)
    ours = ease + rng.normal(0.3, 0.5, (n, 1)) + rng.normal(0, 1, (n, m)) > 0
    base = ease + rng.normal(0, 1, m) + rng.normal(0, 1, (n, m)) > 0
    return differences(ours, base)


def test_the_parts_are_the_mean_squares_of_a_two_way_analysis_of_variance() -> None:
    pandas = pytest.importorskip("pandas")
    formula = pytest.importorskip("statsmodels.formula.api")
    anova = pytest.importorskip("statsmodels.stats.anova")
    d = frozen()
    n, m = d.shape
    long = pandas.DataFrame([(i, j, float(d[i, j])) for i in range(n) for j in range(m)], columns=["s", "t", "d"])
    squares = anova.anova_lm(formula.ols("d ~ C(s) + C(t)", long).fit())
    squares = (squares["sum_sq"] / squares["df"]) / (n * m)
    ours = parts(d)
    assert ours.mean == pytest.approx(d.mean(), rel=1e-14)
    assert ours.seeds == pytest.approx(squares["C(s)"], rel=1e-9)
    assert ours.images == pytest.approx(squares["C(t)"], rel=1e-9)
    assert ours.rest == pytest.approx(squares["Residual"], rel=1e-9)


def test_the_interval_is_put_together_from_those_of_scipy() -> None:
    d = frozen()
    n, m = d.shape
    ours = crossed(d)
    test = scipy.stats.ttest_1samp(d.mean(axis=1), 0.0)
    alone = test.confidence_interval(0.95)
    assert (ours.seeds_low, ours.seeds_high, ours.seeds_p) == pytest.approx(
        (alone.low, alone.high, test.pvalue), rel=1e-9
    )
    residuals = d - d.mean(1, keepdims=True) - d.mean(0, keepdims=True) + d.mean()
    c = (residuals**2).sum() / ((n - 1) * (m - 1)) / (n * m)
    images = scipy.stats.t.ppf(0.975, m - 1) ** 2 * (d.mean(0).var(ddof=1) / m - c)
    half = math.sqrt((alone.high - d.mean()) ** 2 + images)
    assert ours.low == pytest.approx(d.mean() - half, rel=1e-9)
    assert ours.high == pytest.approx(d.mean() + half, rel=1e-9)


def test_the_standard_error_and_its_degrees_of_freedom_are_satterthwaites() -> None:
    ours = judge(Parts(4, 10, 0.1, seeds=9.0, images=5.0, rest=1.0))
    assert ours.standard_error == pytest.approx(math.sqrt(13))
    assert ours.df == pytest.approx(13**2 / (81 / 3 + 25 / 9 + 1 / 27))
    by_seeds_alone = judge(Parts(4, 10, 0.1, seeds=9.0, images=1.0, rest=1.0))
    assert (by_seeds_alone.standard_error, by_seeds_alone.df) == (3.0, 3.0)


@given(TABLES)
def test_the_p_value_is_the_level_at_which_the_interval_reaches_zero(d: np.ndarray) -> None:
    p = crossed(d).p
    if p is not None and 1e-12 < p < 1:
        assert half_width(parts(d), p) == pytest.approx(abs(d.mean()), rel=1e-6, abs=1e-12)


@given(TABLES, st.randoms(use_true_random=False))
def test_the_order_of_seeds_and_images_changes_nothing(d: np.ndarray, random) -> None:
    rows, columns = list(range(d.shape[0])), list(range(d.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    assert crossed(d[rows][:, columns]) == crossed(d)


@given(TABLES)
def test_swapped_techniques_negate_the_difference(d: np.ndarray) -> None:
    ours, swapped = crossed(d), crossed(-d)
    assert (swapped.mean, swapped.p, swapped.seeds_p) == (-ours.mean, ours.p, ours.seeds_p)
    assert (swapped.low, swapped.high) == (-ours.high, -ours.low)


@given(TABLES, st.sampled_from([0.2, 0.05, 0.05 / 7, 1e-4]))
def test_the_interval_contains_that_of_seeds_alone(d: np.ndarray, level: float) -> None:
    ours = crossed(d, level)
    assert ours.low <= ours.seeds_low <= ours.mean <= ours.seeds_high <= ours.high
    assert (ours.p is None) == (ours.seeds_p is None)
    assert ours.p is None or ours.p >= ours.seeds_p
    if ours.p is not None and abs(ours.p - level) > 1e-9:
        assert (ours.p < level) == (not ours.low <= 0 <= ours.high)


@given(TABLES, st.integers(2, 9))
def test_the_same_images_again_leave_seeds_alone_as_they_were(d: np.ndarray, times: int) -> None:
    ours, repeated = crossed(d), crossed(np.tile(d, (1, times)))
    assert (repeated.seeds_p is None) == (ours.seeds_p is None)
    if ours.seeds_p is not None:
        assert repeated.seeds_p == pytest.approx(ours.seeds_p, rel=1e-9)


def test_where_images_differ_no_more_than_by_chance_seeds_decide_alone() -> None:
    ours = judge(Parts(5, 100, 0.02, seeds=1e-4, images=1e-5, rest=2e-5))
    assert (ours.low, ours.high, ours.p) == (ours.seeds_low, ours.seeds_high, ours.seeds_p)


def test_a_mean_of_zero_has_the_largest_p_value() -> None:
    ours = judge(Parts(5, 100, 0.0, seeds=1e-4, images=2e-4, rest=1e-5))
    assert (ours.p, ours.seeds_p) == (1.0, 1.0)


@pytest.mark.parametrize("mean", np.linspace(0.001, 0.2, 40))
def test_images_that_add_next_to_nothing_never_lower_a_p_value(mean: float) -> None:
    """Not by a bit either: the grades nest only so."""
    ours = judge(Parts(5, 100, mean, seeds=1e-4, images=1e-25, rest=0.0))
    assert ours.p >= ours.seeds_p
    assert ours.p == pytest.approx(ours.seeds_p, rel=1e-7)  # SciPy 1.12 has eight digits of it, later ones have fifteen


def test_small_integers_do_not_overflow() -> None:
    d = frozen() * np.int8(100)
    assert parts(d) == parts(d.astype(float))


def test_real_numbers_are_analysed_as_counts_are() -> None:
    d = frozen()
    assert crossed(d * 0.5).mean == pytest.approx(d.mean() / 2)
    assert crossed(d * 0.5).p == pytest.approx(crossed(d).p, rel=1e-9)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 0), (1, 5)])
def test_without_two_seeds_or_any_image_nothing_is_claimed(shape: tuple[int, int]) -> None:
    ours = crossed(np.ones(shape, dtype=np.int8))
    assert ours == Crossed(ours.parts)
    assert ours.mean == (1.0 if 0 not in shape else None)


def test_one_image_is_tested_over_seeds_alone() -> None:
    ours = crossed(np.array([[1], [0], [1], [1]]))
    assert (ours.p, ours.low, ours.standard_error) == (None, None, None)
    assert ours.seeds_p == pytest.approx(scipy.stats.ttest_1samp([1, 0, 1, 1], 0).pvalue, rel=1e-9)


@pytest.mark.parametrize("value", [-1, 0, 1, 0.1])
def test_the_same_difference_everywhere_is_not_tested(value: float) -> None:
    ours = crossed(np.full((3, 7), value))
    assert (ours.p, ours.seeds_p) == (None, None)
    assert (ours.low, ours.high) == pytest.approx((value, value), abs=1e-6)


def test_seeds_that_tie_are_not_tested_and_their_interval_is_not_that_of_the_images_alone() -> None:
    """Two seeds, one image each, but not the same one: the tie is chance, and the rest's share stands in for a."""
    ours = crossed(np.array([[1, 0, 0, 0], [0, 1, 0, 0]]))
    assert (ours.p, ours.seeds_p) == (None, None)
    assert ours.seeds_low == ours.seeds_high == ours.mean
    assert ours.high - ours.mean == pytest.approx(scipy.stats.t.ppf(0.975, 1) * math.sqrt(ours.parts.rest))


def test_hits_must_match() -> None:
    with pytest.raises(ValueError, match="same shape"):
        differences(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="seeds × images"):
        parts(np.ones(3))
    assert differences([[True, False]], [[False, True]]).tolist() == [[1, -1]]
    assert differences([[1, 0]], [[0, 1]]).dtype == np.int8  # a byte an image, from whatever numbers


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("ratio", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("level", [0.05, 0.05 / 7])
def test_the_interval_covers_as_often_as_it_says(n: int, ratio: float, level: float) -> None:
    """From the exact distribution of the parts of 1,000 images; five standard errors are left to chance."""
    rng, m, count = np.random.default_rng(11), 1000, 2000
    seeds, images, rest = ratio**2, 1.0, 1.0 / n

    def part(expected: float, df: int) -> np.ndarray:
        return expected * rng.chisquare(df, count) / df

    tables = zip(
        rng.normal(0, math.sqrt(seeds + images + rest), count),
        part(seeds + rest, n - 1),
        part(images + rest, m - 1),
        part(rest, (n - 1) * (m - 1)),
        strict=True,
    )
    missed = np.mean([abs(mean) > half_width(Parts(n, m, mean, *shares), level) for mean, *shares in tables])
    assert missed <= level + 5 * math.sqrt(level * (1 - level) / count)
    if ratio == 5.0 and level == 0.05:  # where seeds are nearly all that varies it must not be idle either
        assert missed >= 0.03
