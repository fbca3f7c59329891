"""Seconds are read from clocks, and the runs of a stack share one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import scipy.stats
from compare_runs import momentum, sgd, write_run

from trainer.compare.clocks import clock_of
from trainer.compare.comparison import compare
from trainer.compare.fairness import flags
from trainer.compare.finding import find_runs
from trainer.compare.options import Options
from trainer.compare.rows import Row
from trainer.compare.scales import Scale
from trainer.compare.verdicts import verdict

SECONDS = Scale(1, "", 1)


def write_stack(root: Path, name: str, runs: list[tuple[dict[str, Any], int]], seconds: float, **summary: Any) -> None:
    clock = {"id": name, "began": 0.0, "ended": seconds}
    for optimizer, seed in runs:
        keys = {"train_seconds": seconds, "stack": len(runs), "clock": clock, "process": {"boot": "one"}} | summary
        write_run(root, seed, optimizer=optimizer, summary=keys)


def rows(root: Path, metric: str = "train_seconds") -> dict[str, Row]:
    return {row.label: row for row in compare([root], Options(metric=metric)).tables[0].rows}


def test_ten_runs_of_two_stacks_are_two_readings(tmp_path: Path) -> None:
    for word, seconds in ((sgd(), 10.0), (momentum(), 12.0)):
        for part in (0, 1):
            seeds = range(5 * part, 5 * part + 5)
            write_stack(tmp_path, f"{word['name']}{part}", [(word, seed) for seed in seeds], seconds * (1 + part / 10))
    found = rows(tmp_path)
    sample = found["optimizer=sgd"].estimate
    assert (sample.n, sample.mean, sample.low, sample.high) == (2, pytest.approx(10.5), None, None)
    judgement = found["optimizer=momentum"].judgement
    found = judgement.difference
    assert (found.n, found.mean, found.low, found.p, judgement.p) == (2, pytest.approx(2.1), None, None, None)
    assert verdict(judgement, SECONDS) == "+2.1, too few clocks for a test (n = 2)"


def test_from_five_clocks_on_it_is_the_t_test_over_clocks(tmp_path: Path) -> None:
    ours, base = [12.0, 12.5, 11.9, 12.2, 12.8], [10.0, 10.4, 10.1, 10.9, 10.2]
    for place, (mine, other) in enumerate(zip(ours, base, strict=True)):
        seeds = (2 * place, 2 * place + 1)
        write_stack(tmp_path, f"b{place}", [(sgd(), seed) for seed in seeds], other)
        write_stack(tmp_path, f"a{place}", [(momentum(), seed) for seed in seeds], mine)
    row = rows(tmp_path)["optimizer=momentum"]
    sample = scipy.stats.t.interval(0.95, 4, loc=sum(ours) / 5, scale=scipy.stats.sem(ours))
    assert (row.estimate.low, row.estimate.high) == pytest.approx(sample)
    judgement = row.judgement
    expected = scipy.stats.ttest_rel(ours, base)
    interval = expected.confidence_interval(0.95)
    found = judgement.difference
    assert (found.n, found.p, found.low, found.high) == pytest.approx((5, expected.pvalue, interval.low, interval.high))
    assert judgement.p == pytest.approx(expected.pvalue) and "real (this machine only)" in verdict(judgement, SECONDS)


@pytest.mark.parametrize(("many", "one", "mean"), [(sgd(), momentum(), 20 - 12), (momentum(), sgd(), 12 - 20)])
def test_what_shares_a_clock_on_either_side_is_one_comparison(tmp_path: Path, many: Any, one: Any, mean: float) -> None:
    """Five stacks stand against a single one: one comparison, not five."""
    for seed in range(5):
        write_stack(tmp_path, f"b{seed}", [(many, seed)], 10.0 + seed)
    write_stack(tmp_path, "a", [(one, seed) for seed in range(5)], 20.0)
    found = rows(tmp_path)["optimizer=momentum"].judgement.difference
    assert (found.n, found.mean) == (1, pytest.approx(mean))


def test_one_stack_compares_nothing(tmp_path: Path) -> None:
    write_stack(tmp_path, "both", [(word, seed) for word in (sgd(), momentum()) for seed in range(5)], 10.0)
    judgement = next(row.judgement for row in rows(tmp_path).values() if row.judgement)
    assert verdict(judgement, SECONDS) == "nothing to compare: no two clocks"


def test_summaries_without_a_clock_are_told_apart_by_process_and_seconds(tmp_path: Path) -> None:
    old = {"stack": 2, "process": {"pid": 7, "boot": "one"}}
    for seed, seconds in enumerate((10.0, 10.0, 11.0, 11.0)):
        write_run(tmp_path, seed, summary=old | {"train_seconds": seconds})
    runs, _ = find_runs([tmp_path])
    assert len({clock_of(run) for run in runs}) == 2
    write_run(tmp_path / "alone", 0)
    write_run(tmp_path / "alone", 1)
    assert len({clock_of(run) for run in find_runs([tmp_path / "alone"])[0]}) == 2


@pytest.mark.parametrize(("began", "beside"), [(5.0, True), (10.0, False), (30.0, False)])
def test_stacks_that_ran_beside_each_other_are_flagged(tmp_path: Path, began: float, beside: bool) -> None:
    write_stack(tmp_path, "a", [(sgd(), 0)], 10.0)
    later = {"id": "b", "began": began, "ended": began + 10}
    write_stack(tmp_path, "b", [(momentum(), 0)], 10.0, clock=later)
    for metric, expected in (("train_seconds", beside), ("valid/accuracy", False)):
        found = compare([tmp_path], Options(metric=metric))
        assert any("beside each other" in flag for flag in flags(found.tables[0], found.options)) == expected
    write_stack(tmp_path, "b", [(momentum(), 0)], 10.0, clock=later, process={"boot": "another machine"})
    found = compare([tmp_path], Options(metric="train_seconds"))
    assert not any("beside each other" in flag for flag in flags(found.tables[0], found.options))
