"""docs/statistics.md: its tables are those of the result files that it names."""

from __future__ import annotations

from benchmarks.statistics_page import PAGE, SOURCE, page


def test_every_table_is_that_of_its_result_file() -> None:
    text = PAGE.read_text()
    assert {mark[1] for mark in SOURCE.finditer(text)} == {"methods", "null", "study", "families"}
    assert page(text) == text
