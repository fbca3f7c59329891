"""The statistics against scipy.stats, against a case worked by hand, and as properties."""

from __future__ import annotations

import math

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from trainer.compare.statistics import estimate, holm, paired_difference

SAMPLES = [
    [0.9712, 0.9730, 0.9698, 0.9745, 0.9721],
    [0.1, 0.30000000000000004],
    [3.0, -2.0, 7.5, 0.0, 1.25, 9.0, 4.0],
]
# Accuracies are counts of right answers among 5,000 images.
accuracies = st.integers(0, 5000).map(lambda right: right / 5000)
samples = st.dictionaries(st.integers(0, 9), accuracies, max_size=8)


@pytest.mark.parametrize("values", SAMPLES)
def test_estimate_is_that_of_scipy(values: list[float]) -> None:
    ours = estimate(values)
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, loc=ours.mean, scale=scipy.stats.sem(values))
    assert ours.n == len(values)
    assert ours.sd == pytest.approx(scipy.stats.tstd(values), rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-9)


def test_estimate_by_hand() -> None:
    """1, 2, 3, 4: mean 2.5, variance 5/3, and t(3) = 3.182446 from any table."""
    ours = estimate([1.0, 2.0, 3.0, 4.0])
    assert ours.mean == 2.5
    assert ours.sd == pytest.approx(1.2909944487)
    assert (ours.low, ours.high) == pytest.approx((2.5 - 2.054260, 2.5 + 2.054260), abs=1e-5)


def test_undefined_parts_are_none() -> None:
    assert estimate([]).mean is None
    one = estimate([0.5])
    assert (one.n, one.mean, one.sd, one.low, one.high) == (1, 0.5, None, None, None)


def test_paired_difference_is_that_of_scipy() -> None:
    ours, base = [0.95, 0.96, 0.94, 0.97, 0.955], [0.94, 0.955, 0.945, 0.95, 0.94]
    result = scipy.stats.ttest_rel(ours, base)
    found = paired_difference(dict(enumerate(ours)), dict(enumerate(base)))
    interval = result.confidence_interval(0.95)
    assert found.p == pytest.approx(result.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_paired_difference_by_hand() -> None:
    """Differences 1, 2, 3: mean 2, sd 1, t = 2·√3; with 2 degrees of freedom p = 1 − t/√(2 + t²) = 1 − √(6/7)."""
    found = paired_difference({"a": 5.0, "b": 8.0, "c": 4.0}, {"a": 4.0, "b": 6.0, "c": 1.0})
    assert (found.n, found.mean, found.sd) == (3, 2.0, pytest.approx(1.0))
    assert found.p == pytest.approx(1 - math.sqrt(6 / 7), rel=1e-12)
    half = 4.302653 / math.sqrt(3)  # t(2) from any table
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half), abs=1e-5)


@pytest.mark.parametrize("overlap", [0.0, 0.2])
def test_overlap_is_added_to_the_variance_of_the_mean(overlap: float) -> None:
    """Nadeau and Bengio's test by scipy's distribution: the plain interval, √(1 + n · overlap) as wide."""
    ours, base = [0.95, 0.96, 0.94, 0.97, 0.955], [0.94, 0.955, 0.945, 0.95, 0.94]
    differences = [x - y for x, y in zip(ours, base, strict=True)]
    scale = scipy.stats.sem(differences) * math.sqrt(1 + len(ours) * overlap)
    found = paired_difference(dict(enumerate(ours)), dict(enumerate(base)), overlap)
    assert found.variance == pytest.approx(scale**2, rel=1e-9)
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(found.mean / scale, len(ours) - 1), rel=1e-9)
    low, high = scipy.stats.t.interval(0.95, len(ours) - 1, loc=found.mean, scale=scale)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    assert estimate(differences, overlap).variance == pytest.approx(scale**2, rel=1e-9)
    assert estimate([0.5], overlap).variance is None


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_a_metric_changes_no_p_value(unit: float) -> None:
    ours, base = {0: 0.31, 1: 0.42, 2: 0.2}, {0: 0.2, 1: 0.3, 2: 0.1}
    scaled = paired_difference({k: x * unit for k, x in ours.items()}, {k: x * unit for k, x in base.items()})
    assert scaled.p == pytest.approx(paired_difference(ours, base).p, rel=1e-6)
    assert paired_difference({0: 0.3 * unit, 1: 0.4 * unit}, {0: 0.2 * unit, 1: 0.3 * unit}).p is None


@pytest.mark.parametrize(
    "ours, base, mean",
    [({0: 1e6, 1: 1e6}, {0: 0.5, 1: 0.5 + 1e-9}, 1e6 - 0.5),  # 1e-9 is rounding beside the larger of a pair, not the smaller
     ({0: 0.5, 1: 0.5 + 1e-9}, {0: 1e6, 1: 1e6}, 0.5 - 1e6),
     ({0: 0.3, 1: 1e6 + 0.3}, {0: 0.2, 1: 1e6 + 0.2}, 0.1),  # … and the largest pair
     ({0: 1e6 + 0.3, 1: 0.3}, {0: 1e6 + 0.2, 1: 0.2}, 0.1)],
)  # fmt: skip
def test_differences_that_only_rounding_tells_apart_are_not_tested(ours, base, mean) -> None:
    found = paired_difference(ours, base)
    assert ours[0] - base[0] != ours[1] - base[1]
    assert (found.p, found.sd) == (None, 0.0)
    assert found.low == found.mean == found.high == pytest.approx(mean, rel=1e-9)


def test_pairs_that_only_rounding_tells_apart_are_equal() -> None:
    assert 0.1 + 0.2 != 0.3
    assert paired_difference({0: 0.1 + 0.2, 1: 0.1 + 0.2}, {0: 0.3, 1: 0.3}).mean == 0.0
    nothing = paired_difference({0: 0.0, 1: 0.0}, {0: 0.0, 1: 0.0})
    assert (nothing.mean, nothing.sd, nothing.p) == (0.0, 0.0, None)


def test_equal_differences_claim_no_p_value() -> None:
    """0.3 − 0.2 and 0.4 − 0.3 differ in their last bits only; a t of 1e15 would be nonsense."""
    assert 0.3 - 0.2 != 0.4 - 0.3
    found = paired_difference({0: 0.3, 1: 0.4}, {0: 0.2, 1: 0.3})
    assert found.p is None and found.mean == pytest.approx(0.1)
    same = paired_difference({0: 0.98, 1: 0.96}, {0: 0.98, 1: 0.96})
    assert (same.p, same.mean, same.low, same.high) == (None, 0.0, 0.0, 0.0)


def test_too_few_pairs() -> None:
    assert paired_difference({1: 0.5}, {2: 0.5}).n == 0
    one = paired_difference({1: 0.5, 2: 0.4}, {1: 0.25})
    assert (one.n, one.mean, one.p, one.low) == (1, 0.25, None, None)


def test_holm_literally() -> None:
    """Holm's rule by hand: 0.01·4, 0.02·3, 0.03·2, 0.04·1, each at least the one before."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.005, 0.6, 0.9]) == pytest.approx([0.015, 1.0, 1.0])
    assert holm([None, 0.04, None]) == [None, 0.04, None]
    assert holm([]) == []


@given(samples, samples)
def test_pairs_are_the_common_seeds(ours: dict[int, float], base: dict[int, float]) -> None:
    found = paired_difference(ours, base)
    common = ours.keys() & base.keys()
    assert found.n == len(common)
    only_common = paired_difference({seed: ours[seed] for seed in common}, {seed: base[seed] for seed in common})
    assert only_common.mean == pytest.approx(found.mean, abs=1e-12)


@given(samples, samples)
def test_swapping_turns_the_sign(ours: dict[int, float], base: dict[int, float]) -> None:
    there, back = paired_difference(ours, base), paired_difference(base, ours)
    assert there.n == back.n and (there.p is None) == (back.p is None)
    if there.mean is not None and back.mean is not None:
        assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    if there.low is not None and back.high is not None:
        assert there.low == pytest.approx(-back.high, abs=1e-9)
    if there.p is not None:
        assert there.p == pytest.approx(back.p, rel=1e-6)


@given(samples, samples)
def test_p_agrees_with_the_interval(ours: dict[int, float], base: dict[int, float]) -> None:
    found = paired_difference(ours, base)
    if found.p is not None and found.low is not None and found.high is not None and abs(found.p - 0.05) > 1e-6:
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_holm_keeps_order_and_never_lowers(p_values: list[float | None]) -> None:
    corrected = holm(p_values)
    pairs = sorted((p, c) for p, c in zip(p_values, corrected, strict=True) if p is not None and c is not None)
    assert [c is None for c in corrected] == [p is None for p in p_values]
    assert all(p <= c <= 1 for p, c in pairs)
    assert [c for _, c in pairs] == sorted(c for _, c in pairs)
    assert all(c <= min(1, p * len(pairs)) + 1e-12 for p, c in pairs)  # never harsher than Bonferroni
