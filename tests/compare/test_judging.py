"""Verdicts over seeds and images, from run directories to words: what holds for new images, and what only for these."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compare_runs import momentum, sgd, write_run
from rich.console import Console

from trainer.compare.command import main
from trainer.compare.comparison import Comparison, compare
from trainer.compare.crossed import crossed
from trainer.compare.finding import find_runs
from trainer.compare.judging import hits_table
from trainer.compare.options import Options
from trainer.compare.table import print_comparison
from trainer.report.hits import write_hits


def write_pair(
    root: Path, *, seeds: int, images: int, shift: float, by_image: float = 0.0, metric: str = "valid"
) -> dict[str, np.ndarray]:
    """Runs of sgd and momentum with their hits: momentum is right in `shift` more of the images, on average; `by_image` is how
    much of that depends on the image alone. Returns the hits, [seeds, images] each."""
    random = np.random.default_rng(seeds * images)
    easy = random.beta(4, 1, images)
    lucky = random.permutation(np.linspace(-1, 1, images)) * by_image
    hits = {
        "sgd": random.random((seeds, images)) < easy,
        "momentum": random.random((seeds, images)) < np.clip(easy + shift + lucky, 0, 1),
    }
    for word, right in hits.items():
        for seed in range(seeds):
            keys = {f"{metric}/accuracy": float(right[seed].mean())}
            optimizer = sgd() if word == "sgd" else momentum()
            directory = write_run(root, seed, keys.get("valid/accuracy", 0.5), optimizer=optimizer, summary=keys)
            write_hits(directory, {metric: right[seed]}, "digest", "the last ones")
    return hits


def judged(root: Path, **options: Any) -> Any:
    (table,) = compare([root], Options(**options)).tables
    return next(row.judgement for row in table.rows if row.judgement)


def shown(comparison: Comparison) -> str:
    console = Console(file=io.StringIO(), width=300, color_system=None)
    print_comparison(comparison, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_of_differences_is_that_of_the_files(tmp_path):
    hits = write_pair(tmp_path, seeds=4, images=50, shift=0.1)
    runs, _ = find_runs([tmp_path])
    ours, base = ([run for run in runs if run.settings["optimizer"] == word] for word in ("momentum", "sgd"))
    table = hits_table(ours, base, "valid/accuracy")
    assert table is not None and np.array_equal(table, hits["momentum"].astype(int) - hits["sgd"])
    found, expected = judged(tmp_path), crossed(table)
    assert found.crossed == expected and found.difference.mean == pytest.approx(expected.mean)
    assert (found.difference.low, found.difference.p) == (
        pytest.approx(expected.seeds_low),
        pytest.approx(expected.seeds_p),
    )


def test_a_large_difference_is_real(tmp_path):
    write_pair(tmp_path, seeds=5, images=1000, shift=0.15)
    text = shown(compare([tmp_path], Options()))
    assert ", real " in text and "real: for new seeds and new images like these 1,000." in text


def test_what_few_images_show_holds_on_these_alone(tmp_path):
    """Many seeds settle what these images say; other images may say something else."""
    write_pair(tmp_path, seeds=30, images=60, shift=0.05, by_image=0.6)
    found = judged(tmp_path)
    assert found.graded.grade == "on these images only" and found.graded.seeds_p < 0.05 < found.graded.p
    assert found.crossed.low < 0 < found.crossed.high
    assert "on these images only" in shown(compare([tmp_path], Options()))


def test_undecided_says_how_many_seeds_would_decide(tmp_path):
    write_pair(tmp_path, seeds=4, images=1000, shift=0.0)
    text = shown(compare([tmp_path], Options(margin=1)))
    assert "more seed" in text and "would decide" in text
    assert "would have been shown as real in 80 % of such tables." in text


def test_where_images_limit_no_number_of_seeds_is_promised(tmp_path):
    write_pair(tmp_path, seeds=40, images=30, shift=0.0, by_image=0.9)
    found = judged(tmp_path, margin=0.1)
    assert found.graded.more_seeds is None and found.graded.decidable > 0.1


def test_equal_within_a_margin(tmp_path):
    write_pair(tmp_path, seeds=10, images=4000, shift=0.0)
    text = shown(compare([tmp_path], Options(margin=3)))
    assert "equal within 3 points" in text


@pytest.mark.parametrize("fault", ["one run without", "other data", "other split", "a loss"])
def test_without_common_images_all_is_about_seeds(fault, tmp_path):
    write_pair(tmp_path, seeds=4, images=200, shift=0.1)
    runs, _ = find_runs([tmp_path])
    path = runs[-1].directory
    if fault == "one run without":
        (path / "hits.npz").unlink()
    elif fault != "a loss":
        digest, split = ("other", "the last ones") if fault == "other data" else ("digest", "others")
        write_hits(path, {"valid": np.ones(200, bool)}, digest, split)
    else:
        for run in runs:
            summary = json.loads((run.directory / "summary.json").read_text())
            (run.directory / "summary.json").write_text(
                json.dumps(summary | {"valid/loss": 1 - summary["valid/accuracy"]})
            )
    metric = "valid/loss" if fault == "a loss" else "valid/accuracy"
    found = judged(tmp_path, metric=metric)
    assert not found.counts_images and found.graded.p is None and found.graded.seeds_p is not None
    assert "(seeds only)" in shown(compare([tmp_path], Options(metric=metric)))


def test_files_hold_both_intervals_and_the_grade(tmp_path):
    write_pair(tmp_path / "runs", seeds=5, images=500, shift=0.2)
    assert main([str(tmp_path / "runs"), "--json", str(tmp_path / "t.json"), "--margin", "0.5"]) == 0
    (table,) = json.loads((tmp_path / "t.json").read_text())["tables"]
    row = next(group for group in table["groups"] if group["difference"] is not None)
    assert row["grade"] == "real" and row["images"] == 500 and row["p_holm"] >= row["seeds_p_holm"]
    assert row["difference_low"] <= row["seeds_low"] <= row["difference"] <= row["seeds_high"] <= row["difference_high"]


@pytest.mark.parametrize("margin", ["0", "-1", "nan", "inf", "wide"])
def test_a_margin_is_a_number_above_0(margin, tmp_path, capsys):
    assert main([str(tmp_path), f"--margin={margin}"]) == 2
    assert "give a number above 0, for instance 0.1" in capsys.readouterr().err


def test_the_plainest_row_is_the_baseline(tmp_path):
    for seed in range(3):
        write_run(tmp_path, seed, 0.95, optimizer={"name": "adam", "lr": 0.001})
    for seed in range(3):
        write_run(tmp_path, seed, 0.9, optimizer={"name": "sgd", "lr": 0.2})
    (table,) = compare([tmp_path], Options()).tables
    assert table.baseline.startswith("optimizer=sgd")
