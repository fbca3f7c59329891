"""Choosing on some seeds, judging on the others; and what is said where both are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import scipy.stats
from compare_runs import momentum, sgd, write_run

from trainer.compare.command import main
from trainer.compare.comparison import compare
from trainer.compare.fairness import flags
from trainer.compare.options import Options
from trainer.errors import CompareError

TUNE = {"by": ("optimizer",), "tune": ("optimizer.lr",)}


def write_grids(root: Path) -> None:
    """On seeds 0 and 1 the smaller rate is the best of each grid, on the others the larger. The grids differ."""
    for word, rates, base in ((sgd, (0.1, 0.5), 0.8), (momentum, (0.01, 0.05), 0.9)):
        for rate in rates:
            for seed in range(6):
                better = (rate == rates[0]) == (seed < 2)
                write_run(
                    root, seed, base + 0.02 * better + 0.003 * ((seed * 7 + (word is sgd)) % 5), optimizer=word(rate)
                )


@pytest.mark.parametrize("seeds", [(0, 1), 2])
def test_some_seeds_choose_and_the_others_judge(tmp_path: Path, seeds: object) -> None:
    write_grids(tmp_path)
    (table,) = compare([tmp_path], Options(**TUNE, choose_seeds=seeds)).tables
    found = {row.label: row for row in table.rows}
    assert [found[f"optimizer={word}"].settings["optimizer.lr"] for word in ("sgd", "momentum")] == [0.1, 0.01]
    assert all({run.seed for run in row.counted} == {2, 3, 4, 5} and row.settings_tried == 2 for row in table.rows)
    samples = [[run.metric("valid/accuracy") for run in found[f"optimizer={w}"].counted] for w in ("momentum", "sgd")]
    expected = scipy.stats.ttest_rel(*samples)
    difference = found["optimizer=momentum"].judgement.difference
    assert difference.p == pytest.approx(expected.pvalue)
    assert difference.n == 4


def test_grids_of_equal_size_raise_no_flag_but_that_of_the_shared_seeds(tmp_path: Path) -> None:
    write_grids(tmp_path)

    def raised(**options: object) -> str:
        found = compare([tmp_path], Options(**TUNE, **options))
        return " ".join(flag for flag in flags(found.tables[0], found.options) if "edge" not in flag)

    assert raised(choose_seeds=(0, 1)) == ""
    assert raised().startswith(
        "The best of up to 2 settings was chosen and judged on the same seeds, so it looks better"
    )


def test_the_best_of_one_setting_is_not_flattered(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, seed, 0.9, optimizer=sgd())
    found = compare([tmp_path], Options(tune=("optimizer.lr",)))
    assert not any("looks better" in flag for flag in flags(found.tables[0], found.options))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"choose_seeds": (0,)}, "needs --tune"),
        ({**TUNE, "choose_seeds": (7, 8)}, "no run has one of these seeds"),
        ({**TUNE, "choose_seeds": 6}, "none is left to judge"),
    ],
)
def test_mistakes(tmp_path: Path, options: dict, sentence: str) -> None:
    write_grids(tmp_path)
    with pytest.raises(CompareError, match=sentence):
        compare([tmp_path], Options(**options))


def test_a_row_that_the_choosing_seeds_lack_is_named(tmp_path: Path) -> None:
    write_grids(tmp_path)
    for seed in (4, 5):
        write_run(tmp_path, seed, 0.9, optimizer={"name": "adam", "lr": 0.1})
    with pytest.raises(CompareError, match="optimizer=adam has no run with the seeds 0, 1"):
        compare([tmp_path], Options(**TUNE, choose_seeds=(0, 1)))


@pytest.mark.parametrize("typed", ["0,1", "range(2)", "2", "range(0,2)"])
def test_seeds_as_typed(tmp_path: Path, typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_grids(tmp_path)
    assert main([str(tmp_path), "--by", "optimizer", "--tune", "optimizer.lr", "--choose-seeds", typed]) == 0
    assert "over the seeds 0, 1; the other seeds judge." in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["", "0", "some", "1.5", "range(x)", "range(0)"])
def test_no_seeds_as_typed(tmp_path: Path, typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_grids(tmp_path)
    assert main([str(tmp_path), "--tune", "optimizer.lr", "--choose-seeds", typed]) == 2
    assert "names no seeds" in capsys.readouterr().err
