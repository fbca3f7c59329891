"""The benchmarks do the same work in every contestant, and documents quote what a results file holds."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import wall
from benchmarks.contestants.ours import new_training, weights
from benchmarks.peers import figures
from benchmarks.results import RESULTS, Figure, Report
from benchmarks.soak import RUN, SWEEP
from benchmarks.started import Started
from benchmarks.work import Clock, Work
from trainer.data.datasets import DATASETS

ROOT = Path(__file__).parent.parent
QUOTED = re.compile(r"([\d.]+)[^\d\n]{0,8}<!-- (\S+\.json): (.+?) -->")
"""A figure in a document: `27.3×<!-- 2026-11-22-peers.json: faster than the article's loop -->`."""


@pytest.fixture(scope="module")
def work() -> Work:
    raw = DATASETS["synthetic"](samples=600).read()
    return Work("synthetic", raw.images, raw.labels.astype(np.int64), lr=0.05)


@pytest.mark.parametrize(
    "module, options",
    [
        ("ours", {"runs": 2, "threads": 1}),
        ("article", {}),
        ("tensor_loop", {}),
        ("floor", {"runs": 2}),
        ("floor", {"by": "torch"}),
    ],
)
def test_a_contestant_times_every_epoch_and_learns(work, module, options):
    clock = Clock(work)
    importlib.import_module(f"benchmarks.contestants.{module}").epochs(work, 2, clock, **options)
    assert len(clock.seconds) == 2 and min(clock.seconds) > 0
    for loss in clock.losses() if module != "floor" else ():
        assert 0 < loss < np.log(10)


def test_the_common_loss_is_that_of_the_initial_network_by_torch(work):
    import torch

    training = new_training(work, 1, runs=2)
    logits = training.chunks.steps[0].network.forward(torch.from_numpy(work.floats).expand(2, -1, -1))
    expected = [torch.nn.functional.cross_entropy(row, torch.from_numpy(work.labels)).item() for row in logits]
    assert work.loss(weights(training)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("words", [RUN, SWEEP], ids=["run", "sweep"])
def test_what_the_soak_kills_can_be_trained(words, tmp_path):
    assert Started(tmp_path, (*words, "epochs=0")).wait() == (0, "")


def test_what_a_user_waits_for_is_measured_on_real_commands(work, tmp_path, monkeypatch):
    """Sixteen cells instead of a thousand; the figures are there, and none is less than nothing."""
    monkeypatch.setenv("TRAIN_DATA", str(tmp_path))
    figures = wall.small_runs(work, tmp_path, 1, 16)
    assert len(figures) == 3 and all(figure.value > 0 for figure in figures)
    assert len(list((tmp_path / "copies").glob("*/seed=*"))) == 80


def test_figures_divide_the_right_way_round():
    found = {f.name: f for f in figures({"train": 0.5, "article's loop": 10.0, "floor": 0.4, "JAX, jit": 0.5})}
    assert found["faster than the article's loop"].value == 20 and found["faster than the article's loop"].reaches(20)
    assert found["one run over the floor"].value == pytest.approx(1.25)
    assert not Figure("x", 1.3, must=1.25).reaches(1.25)


def test_a_report_is_written_twice_and_never_over_another(tmp_path):
    report = Report("peers", {"cores": 2}, figures=[Figure("one run over the floor", 1.26, "×", 1.5, 1.15)])
    first, second = report.save(tmp_path), report.save(tmp_path)
    assert first != second and first.with_suffix(".md").is_file()
    assert json.loads(first.read_text())["figures"]["one run over the floor"]["reaches must"] is True
    assert "≤ 1.15: NO" in report.markdown()


@pytest.mark.parametrize("document", sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name)
def test_figures_quoted_in_documents_are_those_of_their_results_file(document):
    for shown, file, name in QUOTED.findall(document.read_text()):
        value = json.loads((RESULTS / file).read_text())["figures"][name]["value"]
        digits = len(shown.partition(".")[2])
        assert f"{value:.{digits}f}" == shown, f"{document.name} says {shown} for '{name}', {file} {value}"


def test_results_are_the_newest_of_their_kind_or_quoted():
    """The others are in git's history."""
    documents = "".join(path.read_text() for path in ((ROOT / "tests/test_readme.py"), *(ROOT / "docs").rglob("*.md")))
    newest: dict[str, tuple[str, int]] = {}
    for path in sorted(RESULTS.iterdir()):
        date, kind, number = re.fullmatch(r"(\d{4}-\d\d-\d\d)-([a-z]+(?:-[a-z]+)*)(?:-(\d+))?", path.stem).groups()
        newest[kind] = max(newest.get(kind, ("", 0)), (date, int(number or 1)))
    names = {f"{date}-{kind}" + (f"-{number}" if number > 1 else "") for kind, (date, number) in newest.items()}
    assert [
        path.name for path in RESULTS.iterdir() if path.stem not in names and f"{path.stem}.json" not in documents
    ] == []
