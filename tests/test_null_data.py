"""The simulation under the null counts exactly what the verdicts claim; its full run is a benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import null_studies
from benchmarks.null_data import GROUPS, SEEDS, WORLDS, any_claim, is_real, is_seeds_only, measure
from trainer.compare.crossed import judge
from trainer.compare.grades import graded


@pytest.mark.parametrize("world", [WORLDS[1], WORLDS[9]], ids=["Gaussian", "hits"])
def test_a_claim_is_a_grade(world) -> None:
    seen = set()
    for table in world.tables(np.random.default_rng(1), 25):
        for row in table.values():
            grades = {one.grade for one in graded([judge(one) for one in row], 1e-9)}
            shown = {"real", "on these images only"} & grades
            assert any_claim(is_real, row, 0.05) == ("real" in grades)
            assert any_claim(is_seeds_only, row, 0.05) == bool(shown)
            seen |= shown
    assert "on these images only" in seen


def test_every_cell_of_the_report_is_filled() -> None:
    found = measure(WORLDS[0], 10, np.random.default_rng(2))
    assert {len(rows) for rows in found["fixed"].values()} == {len(SEEDS)}
    assert all(set(rows) == {str(groups) for groups in GROUPS} for rows in found["study"].values())


@pytest.mark.parametrize(("question", "size", "compared"), [("3 words, all pairs", 3, 3), ("5 techniques", 12, 11)])
def test_the_families_are_those_of_a_study(question, size, compared) -> None:
    configurations, found = null_studies.pairs(question)
    assert (configurations, len(set(found))) == (size, compared)
    assert all(ours != base and max(ours, base) < size for ours, base in found)
    measured = null_studies.measure(WORLDS[8], question, np.random.default_rng(3), 10)
    assert measured["comparisons"] == compared and 10 <= measured["seeds"] <= 30
