"""Grades that nest, what a table could have seen, and how many seeds decide: against scipy, statsmodels and closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from trainer.compare.crossed import Crossed, Parts, crossed, half_width, judge
from trainer.compare.grades import corrected, graded
from trainer.compare.planning import (
    default_margin,
    enough,
    half_width_with,
    images_limit,
    seeds_needed,
    smallest_detectable,
)

MARGIN = 0.001
variances = st.one_of(st.just(0.0), st.floats(1e-9, 1e-4))
tables = st.builds(
    Parts, st.integers(2, 30), st.integers(2, 5000), st.floats(-0.05, 0.05), variances, variances, variances
)
untested = st.builds(Parts, st.just(1), st.integers(1, 9), st.just(0.01))
seeds_only = st.builds(Parts, st.integers(2, 30), st.just(1), st.floats(-0.05, 0.05), st.floats(1e-9, 1e-4))
comparisons = st.lists(st.one_of(tables, untested, seeds_only).map(judge), max_size=8)


def with_p(p: float | None, seeds_p: float | None) -> Crossed:
    """A comparison of which only the p-values matter; its interval is wide."""
    return replace(judge(Parts(5, 1000, 0.01, 1e-4, 1e-6, 1e-6)), p=p, seeds_p=seeds_p)


@given(comparisons)
def test_grades_nest_and_no_grade_is_given_without_its_test(results: list[Crossed]) -> None:
    both, seeds = corrected(results)
    for one, p, seeds_p, verdict in zip(results, both, seeds, graded(results, MARGIN), strict=True):
        assert p is None or p >= seeds_p
        assert (p is None, seeds_p is None) == (one.p is None, one.seeds_p is None)
        assert (verdict.grade == "real") == (p is not None and p < 0.05)
        assert (verdict.grade in ("real", "on these images only")) == (seeds_p is not None and seeds_p < 0.05)


def test_holm_is_that_of_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p, seeds_p = [0.03, 0.012, 0.2, 0.0004], [0.01, 0.011, 0.2, 0.0001]
    both, seeds = corrected([with_p(*pair) for pair in zip(p, seeds_p, strict=True)])
    assert both == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert seeds == pytest.approx(multitest.multipletests(seeds_p, method="holm")[1])


def test_a_comparison_without_images_counts_in_both_corrections() -> None:
    """Else the first would be called real (0.03) while seeds alone do not show it (2 × 0.029)."""
    both, seeds = corrected([with_p(0.03, 0.029), with_p(None, 0.5)])
    assert both == [pytest.approx(0.06), None]
    assert seeds == pytest.approx([0.058, 0.5])


@pytest.mark.parametrize(
    ("result", "grade"),
    [
        (judge(Parts(10, 10_000, 0.01, 1e-7, 1e-7, 1e-8)), "real"),
        (judge(Parts(10, 10_000, 0.001, 1e-8, 1e-6, 1e-8)), "on these images only"),
        (judge(Parts(10, 10_000, 0.0001, 1e-8, 2e-8, 1e-8)), "equal within margin"),
        (judge(Parts(10, 10_000, 0.001, 1e-6, 2e-8, 1e-8)), "undecided"),
        (judge(Parts(10, 10_000, 0.0001, 1e-8, 1e-6, 1e-8)), "limited by images"),
        (judge(Parts(10, 1, 0.0001, 1e-6)), "untested"),
        (judge(Parts(1, 100, 0.01)), "untested"),
        (judge(Parts(0, 0)), "untested"),
    ],
)
def test_each_grade_is_given(result: Crossed, grade: str) -> None:
    assert graded([result], MARGIN)[0].grade == grade


def test_the_number_of_seeds_is_the_smallest_that_narrows_the_interval_so_far() -> None:
    result = judge(Parts(5, 10_000, 0.0, 4e-6, 3e-8, 1e-8))
    needed = seeds_needed(result, 0.0005)
    assert needed is not None and needed > 5
    assert half_width_with(result, needed) <= 0.0005 < half_width_with(result, needed - 1)
    verdict = graded([result], 0.001)[0]
    assert (verdict.grade, verdict.more_seeds) == ("undecided", needed - 5)


def test_half_widths_with_other_numbers_of_seeds() -> None:
    """As they are with the same number; with four times as many seeds and no images, half apart from Student's t."""
    result = judge(Parts(5, 100, 0.0, 4.0, 3.0, 1.0))
    assert half_width_with(result, 5) == pytest.approx(half_width(result.parts, 0.05))
    t = scipy.stats.t.ppf(0.975, [19, 99])
    assert half_width_with(result, 20) == pytest.approx(math.sqrt(t[0] ** 2 * 1 + t[1] ** 2 * 2))
    assert images_limit(result) == pytest.approx(t[1] * math.sqrt(2))
    assert half_width_with(result, 10**9) == pytest.approx(images_limit(result), rel=1e-6)


def test_where_images_are_the_limit_no_number_of_seeds_is_named() -> None:
    result = judge(Parts(5, 100, 0.0, 4.0, 3.0, 1.0))
    limit = images_limit(result)
    assert seeds_needed(result, limit) is None
    assert seeds_needed(result, limit * 1.01) > 5
    assert graded([result], 2 * limit)[0].decidable == pytest.approx(2 * limit)


@pytest.mark.parametrize("n", [3, 5, 20])
@pytest.mark.parametrize("level", [0.05, 0.05 / 7])
def test_without_image_effects_the_smallest_detectable_is_that_of_the_paired_t_test(n: int, level: float) -> None:
    power = pytest.importorskip("statsmodels.stats.power")
    expected = power.TTestPower().solve_power(nobs=n, alpha=level, power=0.8) / math.sqrt(n)  # for an sd of 1
    result = judge(Parts(n, 1000, 0.0, 1 / n**2, 1e-9, 1e-9))
    assert smallest_detectable(result, level) == pytest.approx(expected, rel=0.01)


def test_the_smallest_detectable_is_found_in_four_of_five_tables() -> None:
    design = judge(Parts(5, 500, 0.0, 2.0, 1.2, 0.2))
    delta, rng, count = smallest_detectable(design), np.random.default_rng(4), 4000
    means = rng.normal(delta, math.sqrt(3.0), count)
    parts = [Parts(5, 500, mean, 2 * rng.chisquare(4) / 4, 1.2, 0.2) for mean in means]
    assert np.mean([abs(one.mean) > half_width(one, 0.05) for one in parts]) == pytest.approx(0.8, abs=0.025)


def test_what_cannot_be_planned_is_none() -> None:
    for result in (judge(Parts(1, 50, 0.1)), judge(Parts(5, 1, 0.1, 1.0)), judge(Parts(0, 0))):
        assert (images_limit(result), seeds_needed(result, 1.0), smallest_detectable(result)) == (None, None, None)
        assert not enough([result], math.inf)
    assert smallest_detectable(crossed(np.zeros((3, 5)))) == 0.0


@given(st.floats(-0.05, 0.05), st.floats(0.002, 0.02))
def test_an_interval_no_longer_than_the_margin_is_always_decided(mean: float, margin: float) -> None:
    """Whatever the centre: it excludes 0 or lies within ±margin."""
    result = judge(Parts(10, 10_000, mean, 1.9e-7, 2e-8, 1e-8))
    assert enough([result], margin) == (result.high - result.low <= margin)
    if enough([result], margin):
        assert graded([result], margin)[0].grade in ("real", "equal within margin")


def test_a_study_stops_at_once_where_images_are_the_limit_but_never_by_significance() -> None:
    narrow, wide = judge(Parts(10, 100, 0.5, 1e-6, 1e-3, 1e-6)), judge(Parts(10, 100, 0.5, 1e-3, 1e-6, 1e-6))
    assert enough([narrow], 0.001)
    assert not enough([narrow, wide], 0.001)
    assert wide.p < 1e-6
    assert enough([], 0.001)


def test_the_default_margin() -> None:
    assert default_margin(10_000) == pytest.approx(0.001)
    assert default_margin(100) == pytest.approx(0.01)
    assert default_margin(0) == math.inf


def test_the_same_difference_everywhere_is_decided_by_the_fewest_seeds_that_have_an_interval() -> None:
    """Its interval is a point. One seed has none, so two are needed; three are there, so no more."""
    same = crossed(np.full((3, 7), 0.001))
    assert seeds_needed(same, 0.01) == 2
    (verdict,) = graded([same], 0.01)
    assert (verdict.grade, verdict.more_seeds) == ("equal within margin", 0)


@pytest.mark.parametrize("difference", [-0.25, 0.25])
def test_an_interval_that_touches_the_margin_is_not_within_it(difference: float) -> None:
    same = replace(judge(Parts(3, 7, difference, 0.0, 0.0, 0.0)), low=difference, high=difference)
    assert graded([same], 0.25)[0].grade == "undecided"
    assert graded([same], 0.2500001)[0].grade == "equal within margin"


@pytest.mark.parametrize("images", [3, 30])
def test_where_images_alone_vary_power_is_that_of_a_normal_mean_beside_their_interval(images: int) -> None:
    """With seeds that add nothing half the interval is fixed, t(m−1)·σ, and 80 % of means lie above its end less 0.84 σ."""
    only_images = judge(Parts(5, images, 0.0, seeds=0.0, images=0.04, rest=0.0))
    expected = (scipy.stats.t.ppf(0.975, images - 1) + scipy.stats.norm.ppf(0.8)) * 0.2
    assert smallest_detectable(only_images) == pytest.approx(expected, rel=1e-3)


def test_a_study_stops_within_a_tenth_of_what_the_images_leave() -> None:
    """However small the margin; a fifth more is not enough."""
    limit = images_limit(judge(Parts(10, 1000, 0.0, seeds=1.0, images=1.0, rest=0.0)))

    def times_the_limit(factor: float) -> Crossed:
        seeds = limit * math.sqrt(factor**2 - 1) / scipy.stats.t.ppf(0.975, 9)
        return judge(Parts(10, 1000, 0.0, seeds=seeds**2, images=1.0, rest=0.0))

    assert half_width(times_the_limit(1.2).parts, 0.05) == pytest.approx(1.2 * limit)
    assert enough([times_the_limit(1.09)], 1e-9)
    assert not enough([times_the_limit(1.11)], 1e-9) and not enough([times_the_limit(1.2)], 1e-9)
