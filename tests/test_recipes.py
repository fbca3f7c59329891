"""Every bundled recipe shows what its header says it shows: on MNIST, on seeds that nobody looked at while it was made.

The rules were written before the runs. Those of decay, clipping and exploding failed on seeds from 200 on, because their headers
claimed too much. Headers and rules were corrected, each time for seeds that nobody had looked at.
`TRAIN_DATA=… pytest -m slow tests/test_recipes.py` takes some minutes on two cores.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command, summary

from trainer.data.mnist import Mnist

FRESH = {"decay": "seed=range(300,310)", "clipping": "seed=range(320,325)", "dropout": "seed=range(200,210)"}
VARIED = {
    "clipping": "clip", "learning_rates": "optimizer.lr", "optimizers": "optimizer", "staleness": "staleness.updates",
}  # fmt: skip
"""The key by which a recipe's groups differ, where it is not the recipe's own name."""
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
    varied = VARIED.get(recipe, recipe)
    return {_value(row["group"], varied): row for row in table["groups"]}


def _value(label: str, key: str) -> str:
    return next(word.partition("=")[2] for word in label.split() if word.startswith(f"{key}="))


def better(row: Row) -> bool:
    return row["difference"] is not None and row["difference"] > 0 and row["grade"] in ("real", "on these images only")


def dropout(rows: Rows) -> bool:
    """Dropout helps, for new seeds and new images."""
    return better(rows["half"]) and rows["half"]["grade"] == "real"


def decay(rows: Rows) -> bool:
    """Linear and cosine decay end higher."""
    return better(rows["linear"]) and better(rows["cosine"])


def clipping(rows: Rows) -> bool:
    """Unclipped, every run diverges, clipped none; two rules learn steadily, the article's two do not learn."""
    clipped = [row for word, row in rows.items() if word != "none"]
    learn = all(rows[word]["mean"] > 0.8 and rows[word]["sd"] < 0.03 for word in ("grad_value", "grad_weight"))
    survive = all(rows[word]["mean"] < 0.3 for word in ("grad_article", "weight_article"))
    return rows["none"]["diverged"] == 5 and not sum(row["diverged"] for row in clipped) and learn and survive


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
    rows = sweep(tmp_path, recipe, FRESH.get(recipe, "seed=range(200,205)"))
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
    words = (f"experiment={recipe}", f"dataset.root={Path(Mnist().root).absolute()}", "seed=320")
    ill = Command(tmp_path, *words, "name=ill")
    assert ill.end(600) == sick
    assert summary(tmp_path / "runs/ill").get("valid/accuracy", 0) < 0.2
    assert Command(tmp_path, *words, cure, "name=well").end(600) == 0
    assert summary(tmp_path / "runs/well")["valid/accuracy"] > 0.6
