"""Counts, bounded means and censored times: against scipy, statsmodels and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from trainer.compare.rates import bounded, censored_median, fisher_exact
from trainer.compare.statistics import Estimate, estimate

counts = st.integers(0, 12).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@given(counts, counts)
def test_fishers_test_is_that_of_scipy(ours: tuple[int, int], other: tuple[int, int]) -> None:
    table = [[ours[0], ours[1] - ours[0]], [other[0], other[1] - other[0]]]
    assert fisher_exact(*ours, *other) == pytest.approx(scipy.stats.fisher_exact(table).pvalue, rel=1e-9)
    assert fisher_exact(*ours, *other) == fisher_exact(*other, *ours)


def test_fishers_test_by_hand() -> None:
    assert fisher_exact(3, 3, 0, 3) == pytest.approx(2 / 20)
    assert fisher_exact(5, 5, 0, 5) == pytest.approx(2 / 252)
    assert fisher_exact(0, 3, 0, 3) == 1.0
    assert 0 < fisher_exact(900, 1000, 100, 1000) < 1e-200
    with pytest.raises(ValueError, match="no counts"):
        fisher_exact(4, 3, 0, 3)


def test_an_accuracy_stays_within_its_bounds() -> None:
    wide = estimate([0.5, 0.99, 1.0])
    cut = bounded(wide)
    assert wide.high > 1
    assert (cut.low, cut.high, cut.mean, cut.sd) == (wide.low, 1.0, wide.mean, wide.sd)
    assert bounded(Estimate(1, 0.5)) == Estimate(1, 0.5)
    both_ends = Estimate(2, 0.5, 0.1, -0.4, 1.4)
    assert (bounded(both_ends).low, bounded(both_ends).high) == (0.0, 1.0)
    assert (bounded(both_ends, 0.1, 0.9).low, bounded(both_ends, 0.1, 0.9).high) == (0.1, 0.9)
    inside = estimate([0.5, 0.51, 0.52])
    assert bounded(inside) == inside


def test_cutting_an_interval_costs_no_coverage() -> None:
    rng, covered = np.random.default_rng(2), 0
    for _ in range(500):
        sample = estimate(rng.beta(20, 1, size=4).tolist())
        cut, mean = bounded(sample), 20 / 21
        assert (cut.low <= mean <= cut.high) == (sample.low <= mean <= sample.high)
        covered += cut.low <= mean <= cut.high
    assert covered > 420


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=15))
def test_complete_times_have_the_ordinary_median(times: list[float]) -> None:
    assert censored_median(times, [True] * len(times)) == pytest.approx(float(np.median(times)))


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=15))
def test_the_censored_median_is_that_of_kaplan_and_meier(runs: list[tuple[int, bool]]) -> None:
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    times, reached = zip(*runs, strict=True)
    ours = censored_median(times, reached)
    if not any(reached):
        assert ours is None
        return
    curve = duration.SurvfuncRight(np.array(times, float), np.array(reached, int))
    at_half = np.isclose(curve.surv_prob, 0.5)
    below = curve.surv_times[(curve.surv_prob < 0.5) & ~at_half]
    expected = below[0] if below.size else None
    if at_half.any():
        expected = (curve.surv_times[at_half][0] + below[0]) / 2 if below.size else None
    assert ours == expected


def test_the_median_is_unknown_where_half_never_arrived() -> None:
    assert censored_median([3, 5, 9, 9], [True, True, False, False]) is None
    assert censored_median([3, 5, 7, 9, 9], [True, True, True, False, False]) == 7
    assert censored_median([9, 9], [False, False]) is None
    assert censored_median([], []) is None
    assert censored_median([2, 4, 6, 8], [True, False, True, True]) == 6
    with pytest.raises(ValueError, match="marks"):
        censored_median([1], [])


def test_no_time_is_not_a_number() -> None:
    assert not math.isnan(censored_median([1.0, 2.0], [True, True]))
