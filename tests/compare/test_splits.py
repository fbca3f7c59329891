"""Validation images drawn by each run's seed: one configuration, and a variance for splits that overlap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from compare_runs import momentum, sgd, write_run

from trainer.compare.comparison import compare
from trainer.compare.fairness import flags
from trainer.compare.options import Options

VALUES = {"sgd": [0.9, 0.91, 0.905, 0.92], "momentum": [0.93, 0.925, 0.94, 0.935]}


def write_split_runs(root: Path, splits: Any, **summary: Any) -> None:
    """1,000 images are held out and 4,000 trained on: 2 epochs in 4 seconds, 2,000 a second."""
    clock = {"samples_per_second": 2000.0, "train_seconds": 4.0, "epochs": 2, "stack": 1}
    for word in (sgd(), momentum()):
        for seed, value in enumerate(VALUES[word["name"]]):
            dataset = {"name": "mnist", "validation": 1000, "split_seed": splits(seed)}
            keys = clock | {"test/accuracy": value} | summary
            write_run(root, seed, value, optimizer=word, config={"dataset": dataset}, summary=keys)


def test_the_corrected_resampled_t_test(tmp_path: Path) -> None:
    write_split_runs(tmp_path, lambda seed: seed)
    (table,) = compare([tmp_path], Options()).tables
    assert [row.label for row in table.rows] == ["optimizer=momentum", "optimizer=sgd"]
    d = np.subtract(VALUES["momentum"], VALUES["sgd"])
    error = d.std(ddof=1) * np.sqrt(1 / 4 + 1000 / 4000)
    half = scipy.stats.t.ppf(0.975, 3) * error
    found = table.rows[0].judgement
    assert found.difference.p == pytest.approx(2 * scipy.stats.t.sf(abs(d.mean() / error), 3))
    assert found.p == pytest.approx(found.difference.p)
    assert (found.difference.low, found.difference.high) == pytest.approx((d.mean() - half, d.mean() + half))
    sample = table.rows[0].estimate
    assert sample.high - sample.mean == pytest.approx(
        scipy.stats.t.ppf(0.975, 3) * np.std(VALUES["momentum"], ddof=1) * np.sqrt(0.5)
    )
    assert any("(1/n + 0.250) (Nadeau and Bengio 2003)" in flag for flag in flags(table, Options()))


@pytest.mark.parametrize(
    ("metric", "summary"), [("test/accuracy", {}), ("valid/accuracy", {"samples_per_second": None})]
)
def test_where_the_factor_is_none_or_unknown_a_sentence_says_so(tmp_path: Path, metric: str, summary: Any) -> None:
    write_split_runs(tmp_path, lambda seed: seed, **summary)
    (table,) = compare([tmp_path], Options(metric=metric)).tables
    expected = scipy.stats.ttest_rel(VALUES["momentum"], VALUES["sgd"]).pvalue
    assert table.rows[0].judgement.difference.p == pytest.approx(expected)
    assert any("intervals and p-values are somewhat too small" in flag for flag in flags(table, Options(metric=metric)))


@pytest.mark.parametrize("splits", [lambda seed: None, lambda seed: 3])
def test_one_split_for_all_seeds_is_no_overlap(tmp_path: Path, splits: Any) -> None:
    write_split_runs(tmp_path, splits)
    (table,) = compare([tmp_path], Options()).tables
    assert len(table.rows) == 2 and table.rows[0].estimate.overlap == 0
    assert not any("overlap" in flag for flag in flags(table, Options()))


def test_splits_beside_seeds_are_rows(tmp_path: Path) -> None:
    for split in (1, 2):
        write_split_runs(tmp_path, lambda seed, split=split: split)
    assert len(compare([tmp_path], Options()).tables[0].rows) == 4
