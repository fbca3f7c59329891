"""Looks at a sweep before it was complete: what they cost, how sweep.json remembers them, what compare says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from compare_runs import write_run

from trainer.compare.comparison import compare
from trainer.compare.fairness import flags
from trainer.compare.looks import looks
from trainer.compare.options import Options


def write_history(folder: Path, *sizes: tuple[int, int]) -> None:
    entries = [{"cells": 2 * seeds, "seeds": seeds, "epochs": epochs, "date": "2026-01-01"} for seeds, epochs in sizes]
    (folder / "sweep.json").write_text(json.dumps({"history": entries, "cells": []}))


def test_three_looks_cost_what_the_document_says() -> None:
    """5, 10 and 20 seeds, a paired t-test at each, claims as soon as one is below 5 %: 11.9 % of 200,000 null tables."""
    differences = np.random.default_rng(0).normal(size=(20_000, 20))
    claimed = np.zeros(len(differences), bool)
    for n in (5, 10, 20):
        claimed |= scipy.stats.ttest_1samp(differences[:, :n], 0, axis=1).pvalue < 0.05
    assert claimed.mean() == pytest.approx(0.119, abs=0.008)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([(5, 2), (10, 2), (20, 2)], ["5 → 10 → 20 seeds"]),
        ([(5, 2), (5, 4)], ["2 → 4 epochs"]),
        ([(5, 2)], []),
        ([(5, 2), (5, 2)], []),
    ],
)
def test_what_grew_is_said(tmp_path: Path, sizes: list[tuple[int, int]], said: list[str]) -> None:
    write_history(tmp_path, *sizes)
    assert list(looks(tmp_path)) == said


def test_compare_says_that_runs_were_added_after_looks(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, seed)
    write_history(tmp_path, (5, 2), (10, 2))
    (table,) = compare([tmp_path], Options()).tables
    said = [flag for flag in flags(table, Options()) if "earlier looks" in flag]
    assert len(said) == 1 and "after earlier looks (5 → 10 seeds): p-values are somewhat too small." in said[0]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"history": 3}', '{"history": [1, {"seeds": "x"}]}'])
def test_a_damaged_history_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "sweep.json").write_text(content)
    assert list(looks(tmp_path)) == []


def test_a_sweep_that_has_grown_since_is_read_again(tmp_path: Path) -> None:
    """What is read once a command is not kept beyond the file, as in a notebook."""
    write_history(tmp_path, (5, 2))
    assert list(looks(tmp_path)) == []
    write_history(tmp_path, (5, 2), (10, 2))
    assert list(looks(tmp_path)) == ["5 → 10 seeds"]
