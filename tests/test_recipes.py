"""Every bundled recipe shows what its header says it shows: on MNIST, on seeds that nobody looked at while it was made.

The rules were written before the runs. `TRAIN_DATA=… pytest -m slow tests/test_recipes.py`; some minutes each on two cores.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command, summary

from trainer.data.mnist import Mnist

FRESH = "seed=range(200,210)"
Row = dict[str, Any]
Rows = dict[str, Row]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (Mnist().path / "train-images-idx3-ubyte").exists(), reason="needs MNIST under TRAIN_DATA"),
]


def sweep(cwd: Path, recipe: str, *words: str, metric: str = "test/accuracy") -> Rows:
    """Run a recipe's sweep on fresh seeds; its groups by the word that varies."""
    root = f"dataset.root={Path(Mnist().root).absolute()}"
    command = Command(
        cwd, "-m", f"experiment={recipe}", root, "dataset.fallback=null", "name=sw", *words, COLUMNS="200"
    )
    assert command.end(1500) == 0, command.err
    compared = Command(cwd, "compare", "runs/sw", "--metric", metric, "--json", "table.json")
    assert compared.end() == 0, compared.err
    (table,) = json.loads((cwd / "table.json").read_text())["tables"]
    return {row["group"].partition(" ")[0].partition("=")[2]: row for row in table["groups"]}


def better(row: Row) -> bool:
    return row["difference"] is not None and row["difference"] > 0 and row["grade"] in ("real", "on these images only")


def dropout(rows: Rows) -> bool:
    """Dropout helps, for new seeds and new images."""
    return better(rows["half"]) and rows["half"]["grade"] == "real"


def decay(rows: Rows) -> bool:
    """Linear and cosine decay end higher, and every decay at least twice as steady."""
    steady = all(rows[word]["sd"] * 2 <= rows["none"]["sd"] for word in ("linear", "cosine", "step", "exponential"))
    return better(rows["linear"]) and better(rows["cosine"]) and steady


def clipping(rows: Rows) -> bool:
    """Unclipped, every run diverges; three gradient clips keep every run and learn; the article's weight clip does not."""
    saved = all(rows[word]["diverged"] == 0 and rows[word]["mean"] > 0.8 for word in ("grad", "grad_value", "agc"))
    return rows["none"]["n"] == 0 and rows["none"]["diverged"] > 0 and saved and rows["weight_article"]["mean"] < 0.5


def normalization(rows: Rows) -> bool:
    """On the default network batch normalization stays within half a point of none."""
    row = rows["batch"]
    return -0.005 < row["difference_low"] and row["difference_high"] < 0.005


def optimizers(rows: Rows) -> bool:
    """One update an epoch is far behind; the others are within two points of the best."""
    others = [row["mean"] for word, row in rows.items() if word != "batch_gd"]
    return rows["batch_gd"]["mean"] < min(others) - 0.05 and max(others) - min(others) < 0.02


RULES: dict[str, Callable[[Rows], bool]] = {
    rule.__name__: rule for rule in (dropout, decay, clipping, normalization, optimizers)
}


@pytest.mark.parametrize("recipe", RULES)
def test_a_sweep_shows_what_it_says(recipe, tmp_path):
    words = (FRESH,) if recipe in ("dropout", "decay") else ("seed=range(200,205)",)
    rows = sweep(tmp_path, recipe, *words)
    assert RULES[recipe](rows), {name: (row["mean"], row["sd"], row["verdict"]) for name, row in rows.items()}


def test_the_best_learning_rate_lies_inside(tmp_path):
    rows = sweep(tmp_path, "learning_rates", "seed=range(200,203)", "epochs=3", metric="valid/accuracy")
    means = [rows[rate]["mean"] or 0.0 for rate in sorted(rows, key=float)]
    best = means.index(max(means))
    assert 0 < best < len(means) - 1 and means[:best] == sorted(means[:best])


def test_late_gradients_stop_heavy_ball_and_not_adam(tmp_path):
    words = ("staleness.updates=0,7", "seed=range(200,205)")
    found = {
        optimizer: sweep(tmp_path / optimizer, "staleness", f"optimizer={optimizer}", *words, metric="valid/accuracy")
        for optimizer in ("heavy_ball", "adam")
    }
    means = {name: (rows["0"]["mean"], rows["7"]["mean"]) for name, rows in found.items()}
    assert means["heavy_ball"][0] > 0.95 > 0.5 > means["heavy_ball"][1] and min(means["adam"]) > 0.9, means


@pytest.mark.parametrize(
    ("recipe", "cure", "sick"), [("vanishing", "normalization=batch", 0), ("exploding", "clip=grad", 3)]
)
def test_a_sick_network_is_cured(recipe, cure, sick, tmp_path):
    words = (f"experiment={recipe}", f"dataset.root={Path(Mnist().root).absolute()}", "epochs=3", "seed=200")
    ill = Command(tmp_path, *words, "name=ill")
    assert ill.end(600) == sick
    assert summary(tmp_path / "runs/ill").get("valid/accuracy", 0) < 0.2
    assert Command(tmp_path, *words, cure, "name=well").end(600) == 0
    assert summary(tmp_path / "runs/well")["valid/accuracy"] > 0.85
