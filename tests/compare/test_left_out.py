"""Runs that a mean is not over: pruned, diverged, unfinished. It is said where the number stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from compare_runs import momentum, sgd, write_group, write_hit_runs, write_run
from statsmodels.stats.multitest import multipletests

from trainer.compare.columns import sample_columns
from trainer.compare.comparison import Comparison, compare
from trainer.compare.crossed import crossed
from trainer.compare.fairness import flags
from trainer.compare.options import Options, bounds_of
from trainer.compare.overall import overall
from trainer.compare.rows import Row
from trainer.compare.scales import Scale
from trainer.compare.verdicts import row_verdict
from trainer.errors import CompareError
from trainer.report.hits import write_hits

SCALE = Scale(100, " points", 2)


def rows(found: Comparison) -> dict[str, Row]:
    return {row.label: row for table in found.tables for row in table.rows}


def cell(found: Comparison, label: str, header: str) -> str:
    (table,) = found.tables
    (column,) = (column for column in sample_columns(table, found.options) if column.header == header)
    return str(column.cell(rows(found)[label]))


def test_rows_with_pruned_runs_have_no_mean_and_say_so(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], optimizer=sgd())
    write_group(tmp_path, [0.95, 0.96], optimizer=momentum())
    for seed in (2, 3, 4):
        write_run(tmp_path, seed, 0.3, optimizer=momentum(), status="pruned")
    found = compare([tmp_path], Options())
    row = rows(found)["optimizer=momentum"]
    assert (row.estimate.n, row.estimate.mean, row.best.metric("valid/accuracy")) == (0, None, 0.96)
    assert row_verdict(row, SCALE) == "3 of 5 runs were pruned, so there is no mean"
    assert cell(found, row.label, "n") == "0 of 5" and cell(found, row.label, "pruned") == "3"
    (table,) = found.tables
    assert table.baseline == "optimizer=sgd"
    assert "optimizer=momentum: 3 of 5 runs were pruned. Those left are its best, so it has no mean." in flags(
        table, found.options
    )
    assert overall(table, found.options) == "sgd, the baseline, has the best mean; momentum pruned."


def test_where_all_rows_were_pruned_there_is_no_best_mean(tmp_path: Path) -> None:
    for word in (sgd(), momentum()):
        write_run(tmp_path, 0, 0.9, optimizer=word)
        write_run(tmp_path, 1, 0.5, optimizer=word, status="pruned")
    (table,) = compare([tmp_path], Options()).tables
    assert overall(table, Options()) == "No row has a mean: where runs were pruned, those left are the best."


def test_unfinished_runs_are_counted_where_the_mean_stands(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92])
    write_run(tmp_path, 3, None, status="failed")
    write_run(tmp_path, 4, None, status="interrupted")
    write_run(tmp_path, 0, 0.1, status="failed")  # an earlier attempt at what was completed
    write_run(tmp_path, 0, None, status="failed", optimizer=momentum())  # no row of its own
    found = compare([tmp_path], Options())
    (row,) = rows(found).values()
    assert cell(found, row.label, "n") == "3 of 5"
    assert any(
        "leaves out runs without a result (1 failed, 1 interrupted)" in f for f in flags(found.tables[0], Options())
    )


def test_accuracy_intervals_stay_within_0_and_100_per_cent(tmp_path: Path) -> None:
    write_group(tmp_path, [0.5, 0.99, 1.0])
    (row,) = rows(compare([tmp_path], Options())).values()
    sample = scipy.stats.t.interval(0.95, 2, loc=np.mean([0.5, 0.99, 1.0]), scale=scipy.stats.sem([0.5, 0.99, 1.0]))
    assert row.estimate.low == pytest.approx(sample[0]) and sample[1] > 1 == row.estimate.high


@pytest.mark.parametrize(
    ("metric", "bounds"),
    [
        ("test/accuracy", (0, 1)),
        ("valid/loss", (0, np.inf)),
        ("train_seconds", (0, np.inf)),
        ("grad_norm_log", (-np.inf, np.inf)),
    ],
)
def test_intervals_stay_where_means_can_lie(metric: str, bounds: tuple[float, float]) -> None:
    assert bounds_of(metric) == bounds


def write_diverged(root: Path) -> None:
    write_group(root, [0.9, 0.91, 0.92, 0.9, 0.91], optimizer=sgd())
    for word, lost in ((momentum(), 5), ({"name": "adam", "lr": 0.1}, 2)):
        for seed in range(5):
            write_run(root, seed, 0.8, optimizer=word, status="diverged" if seed < lost else "completed")


def test_diverged_runs_get_fishers_test_corrected_by_holm(tmp_path: Path) -> None:
    write_diverged(tmp_path)
    found = compare([tmp_path], Options())
    raw = [scipy.stats.fisher_exact([[lost, 5 - lost], [0, 5]]).pvalue for lost in (5, 2)]
    expected = multipletests(raw, method="holm")[1]
    ours = [rows(found)[f"optimizer={word}"].diverged_p for word in ("momentum", "adam")]
    assert ours == pytest.approx(list(expected))
    assert cell(found, "optimizer=momentum", "diverged") == f"5, p {expected[0]:.3f}"
    assert cell(found, "optimizer=sgd", "diverged") == "-"


def test_without_a_diverged_run_there_is_no_test(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91], optimizer=sgd())
    write_group(tmp_path, [0.9, 0.91], optimizer=momentum())
    assert all(row.diverged_p is None for row in rows(compare([tmp_path], Options())).values())


def test_diverged_last_counts_them_as_0_per_cent_right(tmp_path: Path) -> None:
    write_diverged(tmp_path)
    found = rows(compare([tmp_path], Options(diverged="last")))
    assert found["optimizer=momentum"].estimate.mean == 0.0 and found["optimizer=momentum"].estimate.n == 5
    adam = found["optimizer=adam"]
    assert adam.estimate.mean == pytest.approx(3 * 0.8 / 5)
    expected = scipy.stats.ttest_rel([0, 0, 0.8, 0.8, 0.8], [0.9, 0.91, 0.92, 0.9, 0.91])
    assert adam.judgement.difference.p == pytest.approx(expected.pvalue)
    assert list(found) == ["optimizer=sgd", "optimizer=adam", "optimizer=momentum"]


def test_diverged_last_gets_no_image_right(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    ours, base = random.random((4, 80)) < 0.9, random.random((4, 80)) < 0.8
    write_hit_runs(tmp_path, base, optimizer=sgd())
    write_hit_runs(tmp_path, ours[:3], optimizer=momentum())
    lost = write_run(tmp_path, 3, 0.5, optimizer=momentum(), status="diverged")
    write_hits(lost, {"valid": ours[3]}, "digest", "the last ones")
    judgement = rows(compare([tmp_path], Options(diverged="last")))["optimizer=momentum"].judgement
    ours[3] = False
    assert judgement.crossed == crossed(ours.astype(int) - base)


def test_diverged_last_needs_an_accuracy(tmp_path: Path) -> None:
    write_run(tmp_path, 0, summary={"valid/loss": 0.1})
    with pytest.raises(CompareError, match="valid/loss can't express"):
        compare([tmp_path], Options(metric="valid/loss", diverged="last"))
