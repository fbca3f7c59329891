"""--effects from run directories: which keys are factors, the numbers, the words, and what makes a sweep no factorial."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from compare_runs import momentum, sgd, write_hit_runs, write_run
from statsmodels.stats.multitest import multipletests

from trainer.compare.command import main
from trainer.compare.comparison import compare
from trainer.compare.crossed import crossed
from trainer.compare.documents import latex, markdown
from trainer.compare.factorial import Factorial, factorial, in_a_sentence
from trainer.compare.options import Options

NONE, GRAD, HALF = {"name": "none"}, {"name": "grad", "threshold": 1.0}, {"name": "rate", "rate": 0.5}
CELLS = list(product((NONE, GRAD), (NONE, HALF)))


def value(clip: dict, dropout: dict, seed: int) -> float:
    """Dropout helps by 4 points, 3 less beside clipping; some noise that no arithmetic explains."""
    noise = ((seed * 13 + len(clip) * 5 + len(dropout) * 3) % 7) / 5000
    return 0.8 + 0.04 * (dropout is HALF) - 0.03 * (dropout is HALF and clip is GRAD) + seed / 100 + noise


def write_factorial(root: Path, cells: list = CELLS) -> None:
    for (clip, dropout), seed in product(cells, range(5)):
        write_run(root, seed, value(clip, dropout, seed), clip=clip, dropout=dropout)


def found(root: Path, **options: Any) -> Factorial:
    comparison = compare([root], Options(**options))
    return factorial(comparison.tables[0], comparison.options)


def test_effects_are_t_tests_on_contrasts_within_seeds_corrected_by_holm(tmp_path: Path) -> None:
    write_factorial(tmp_path)
    ours = {each.name: each.judgement for each in found(tmp_path).effects}
    y = {(c is GRAD, d is HALF): np.array([value(c, d, seed) for seed in range(5)]) for c, d in CELLS}
    contrasts = {
        "clip=grad": (y[1, 0] + y[1, 1] - y[0, 0] - y[0, 1]) / 2,
        "dropout=rate": (y[0, 1] + y[1, 1] - y[0, 0] - y[1, 0]) / 2,
        "clip=grad with dropout=rate": y[1, 1] - y[1, 0] - y[0, 1] + y[0, 0],
    }
    tests = {name: scipy.stats.ttest_1samp(values, 0) for name, values in contrasts.items()}
    corrected = multipletests([test.pvalue for test in tests.values()], method="holm")[1]
    assert list(ours) == list(contrasts)
    for (name, test), p in zip(tests.items(), corrected, strict=True):
        interval = test.confidence_interval(0.95)
        difference = ours[name].difference
        assert (difference.mean, difference.low, difference.high) == pytest.approx(
            (contrasts[name].mean(), interval.low, interval.high)
        )
        assert ours[name].p == pytest.approx(p)


def test_effects_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_factorial(tmp_path)
    effects = found(tmp_path)
    assert list(effects.plain.values()) == ["clip=none", "dropout=none"]
    text = in_a_sentence(effects, "valid/accuracy")
    assert text == (
        "clip=grad -1.48 points; with dropout=rate 3.00 lower than with dropout=none. "
        "dropout=rate +2.48 points; with clip=grad 3.00 lower than with clip=none."
    )
    assert main([str(tmp_path), "--effects"]) == 0
    assert text in capsys.readouterr().out


def test_images_are_counted_where_all_runs_have_hits(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    hits = {}
    for place, (clip, dropout) in enumerate(CELLS):
        hits[place] = random.random((4, 200)) < 0.8 + 0.1 * (dropout is HALF)
        write_hit_runs(tmp_path, hits[place], clip=clip, dropout=dropout)
    ours = {each.name: each.judgement.crossed for each in found(tmp_path).effects}
    h = {place: table.astype(float) for place, table in hits.items()}  # 0: plain, 1: dropout, 2: clip, 3: both
    assert ours["dropout=rate"] == crossed((h[1] + h[3] - h[0] - h[2]) / 2)
    both = crossed(h[3] - h[2] - h[1] + h[0])
    assert ours["clip=grad with dropout=rate"].p == pytest.approx(both.p)


def test_a_missing_combination_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_factorial(tmp_path, CELLS[:3])
    problem = "Effects need a mean for every combination of what varies. Missing: clip=grad dropout=rate."
    assert found(tmp_path).problem == problem
    assert main([str(tmp_path), "--effects"]) == 0 and problem in capsys.readouterr().out


def test_a_combination_without_a_mean_is_missing(tmp_path: Path) -> None:
    write_factorial(tmp_path, CELLS[:3])
    write_run(tmp_path, 0, clip=GRAD, dropout=HALF, status="diverged")
    assert "Missing: clip=grad dropout=rate." in (found(tmp_path).problem or "")


def test_one_key_has_no_effects_beyond_the_table(tmp_path: Path) -> None:
    write_factorial(tmp_path, CELLS[:2])
    assert "at least two keys" in (found(tmp_path).problem or "")


def test_a_number_that_not_every_row_has_belongs_to_its_word(tmp_path: Path) -> None:
    """clip=none has no threshold, so the levels are none, grad at 1 and grad at 2. Rates are a factor, 0.2 the plain one."""
    clips = (NONE, GRAD, {"name": "grad", "threshold": 2.0})
    for clip, lr, seed in product(clips, (0.1, 0.2), range(3)):
        write_run(tmp_path, seed, 0.8 + seed / 50 + lr / 10, clip=clip, optimizer=sgd(lr))
    names = [each.name for each in found(tmp_path).effects]
    assert {*names[:3]} == {"clip=grad clip.threshold=1", "clip=grad clip.threshold=2", "optimizer.lr=0.1"}
    assert len(names) == 5


def test_tuned_keys_are_no_factors(tmp_path: Path) -> None:
    for word, clip, lr, seed in product((sgd, momentum), (NONE, GRAD), (0.1, 0.2), range(3)):
        write_run(tmp_path, seed, 0.8 + seed / 50 + lr / 10 * (clip is NONE), clip=clip, optimizer=word(lr))
    names = [each.name for each in found(tmp_path, tune=("optimizer.lr",)).effects]
    assert sorted(names) == ["clip=grad", "optimizer=momentum", "optimizer=momentum with clip=grad"]


def test_effects_are_in_the_json_file(tmp_path: Path) -> None:
    write_factorial(tmp_path / "runs")
    assert main([str(tmp_path / "runs"), "--effects", "--json", str(tmp_path / "t.json")]) == 0
    (table,) = json.loads((tmp_path / "t.json").read_text())["tables"]
    effects = table["effects"]["effects"]
    assert effects[2]["terms"] == [["clip", "clip=grad"], ["dropout", "dropout=rate"]]
    assert effects[1]["difference"] == pytest.approx(0.025, abs=0.001)


def test_effects_are_in_the_documents_as_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    write_factorial(tmp_path / "runs")
    files = [str(tmp_path / "t.md"), str(tmp_path / "t.tex")]
    assert main([str(tmp_path / "runs"), "--effects", "--markdown", files[0], "--latex", files[1]]) == 0
    shown = next(line for line in capsys.readouterr().out.splitlines() if re.match(r"(clip|dropout)=\w+ with ", line))
    name, change = re.split(r"\s{2,}", shown.strip())[:2]
    text, tex = Path(files[0]).read_text(), Path(files[1]).read_text()
    assert f"| {name} | {change} |" in text.replace("\\", "")
    assert rf"{name} & {change.replace('%', chr(92) + '%')} & " in tex
    assert tex.count(r"\begin{tabular}") == tex.count(r"\caption{") == 2 and "**Effects.**" in text


def test_documents_say_why_there_are_no_effects(tmp_path: Path) -> None:
    write_factorial(tmp_path, CELLS[:2])
    comparison = compare([tmp_path], Options(effects=True))
    assert "Effects need at least two keys" in markdown(comparison) and "% Effects need at least" in latex(comparison)
