"""Runs that stopped early, compared: how many, when, and what that does to the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compare_runs import write_run

from trainer.compare.comparison import Table, compare
from trainer.compare.curves import learning_curve
from trainer.compare.fairness import flags
from trainer.compare.methods import methods
from trainer.compare.notes import way_note
from trainer.compare.options import Options

PATIENCE = {"name": "patience", "epochs": 2, "metric": "valid/accuracy", "delta": 0.0}


def write(root: Path, stops: list[int | None], **words: Any) -> list[Path]:
    """A run a seed, of 20 epochs with ten updates each unless it stopped; each has reached an accuracy of its own."""
    found = []
    for seed, stop in enumerate(stops):
        facts = {"epochs": stop or 20, "steps": 10 * (stop or 20), "stopped_epoch": stop, "test/accuracy": 0.8}
        found.append(write_run(root, seed, 0.9 + seed / 1000, summary=facts, epochs=20, **words))
    return found


def table_of(root: Path, metric: str = "valid/accuracy") -> Table:
    return compare([root], Options(metric)).tables[0]


def said(table: Table, metric: str = "valid/accuracy") -> list[str]:
    return [flag for flag in flags(table, Options(metric)) if "stopped early" in flag]


def test_how_many_stopped_when_and_what_it_means(tmp_path):
    write(tmp_path, [None, None, None])
    write(tmp_path, [7, 9, None], stop=PATIENCE)
    table = table_of(tmp_path)
    assert sorted(row.label for row in table.rows) == ["stop=none", "stop=patience"]
    assert said(table) == [
        "Some runs stopped early: stop=patience (2 of 3 runs, after 8.0 of 20 epochs on average). So the rows differ in their "
        "work, 120 to 200 updates a run on average. Validation images chose the moment, so valid/accuracy is slightly "
        "optimistic: --metric test/accuracy judges on others."
    ]
    assert said(table_of(tmp_path, "test/accuracy"), "test/accuracy")[0].endswith(
        "200 updates a run on average. Validation images chose the moment, and others judge here."
    )


def test_rows_that_did_equal_work_are_not_said_to_differ(tmp_path):
    write(tmp_path, [8, 8, 8], stop=PATIENCE)
    write(tmp_path, [8, 8, 8], stop=PATIENCE, clip={"name": "grad", "threshold": 1.0})
    (sentence,) = said(table_of(tmp_path))
    assert sentence.count("(3 of 3 runs, after 8.0 of 20 epochs on average)") == 2 and "differ" not in sentence


def test_nothing_is_said_where_none_stopped(tmp_path):
    write(tmp_path, [None, None, None], stop=PATIENCE)
    table = table_of(tmp_path)
    assert said(table) == [] and "stopped" not in methods(table, Options())


def test_runs_without_the_key_did_not_stop(tmp_path):
    """Those of earlier versions; their rows are those of stop=none."""
    for seed in range(3):
        write_run(tmp_path, seed, epochs=20)
    write(tmp_path, [None, None, None, None], stop="none")
    table = table_of(tmp_path)
    assert len(table.rows) == 1 and said(table) == []


def test_rows_are_named_by_the_rule_and_by_its_numbers_where_they_differ(tmp_path):
    write(tmp_path, [None] * 3)
    write(tmp_path, [5] * 3, stop=PATIENCE)
    write(tmp_path, [6] * 3, stop=PATIENCE | {"epochs": 3})
    write(tmp_path, [3] * 3, stop={"name": "target", "accuracy": 0.9})
    assert sorted(row.label for row in table_of(tmp_path).rows) == [
        "stop=none",
        "stop=patience stop.epochs=2",
        "stop=patience stop.epochs=3",
        "stop=target",
    ]


def test_the_methods_paragraph_has_the_rule_with_its_numbers(tmp_path):
    write(tmp_path, [None, None, None])
    write(tmp_path, [7, 9, None], stop=PATIENCE)
    assert (
        "2 of 6 runs stopped early, judged on validation images at the end of each epoch (stop=patience stop.epochs=2 "
        "stop.metric=valid/accuracy stop.delta=0), after 8.0 epochs on average; values are those of the last epoch that they "
        "trained."
    ) in methods(table_of(tmp_path), Options())


def test_a_run_that_stopped_before_the_target_never_gets_there(tmp_path):
    """It is not one that was watched for too short a time: with the same rule it stops there every time."""
    write(tmp_path, [None] * 4, target=0.95)
    for seed, (stop, reached) in enumerate([(5, None), (6, None), (7, None), (None, 150)]):
        facts = {"epochs": stop or 20, "steps": 10 * (stop or 20), "stopped_epoch": stop, "steps_to_target": reached}
        write_run(tmp_path, seed, summary=facts, epochs=20, target=0.95, stop=PATIENCE)
    row = next(row for row in table_of(tmp_path).rows if row.label == "stop=patience")
    assert (row.target.reached, row.target.runs, row.target.steps) == (1, 4, None)
    assert "diverged ones and those that stopped early without it never do." in way_note(table_of(tmp_path))


def test_in_a_mean_curve_a_stopped_run_keeps_its_last_value(tmp_path):
    """The mean over the two that go on, 80 %, would be that of the better ones."""
    curves = {0: [0.1, 0.5], 1: [0.2, 0.6, 0.8], 2: [0.3, 0.7, 0.8]}
    write(tmp_path, [2, 3, 3], stop=PATIENCE)
    for run in table_of(tmp_path).rows[0].runs:
        lines = [f'{{"epoch": {n}, "valid/accuracy": {value}}}' for n, value in enumerate(curves[run.seed], start=1)]
        (run.directory / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    points = learning_curve(table_of(tmp_path).rows[0], "valid/accuracy")
    assert [(point.x, pytest.approx(point.mean)) for point in points] == [(1, 0.2), (2, 0.6), (3, 0.7)]
