"""The interface for Python: docs/notebook.ipynb runs as it stands, and what it shows is what the files hold."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.sweep import asking

NOTEBOOK = Path(__file__).parents[1] / "docs/notebook.ipynb"


def shown(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; its last expression is what a notebook would show."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None  # noqa: S307


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each cell showed, and the names at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        names: dict[str, Any] = {}
        sources = [
            "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"
        ]
        return {"shown": [shown(source, names) for source in sources], **names}


def test_every_cell_runs_and_shows_something(cells):
    rich = [one for one in cells["shown"] if hasattr(one, "_repr_html_")]
    assert len(rich) >= 3 and all("<" in one._repr_html_() for one in rich)


def test_a_sweep_is_a_table_with_a_row_a_run(cells):
    table = cells["swept"].to_pandas()
    assert len(table) == 6 and set(table["status"]) == {"completed"}
    assert list(table["valid/accuracy"]) == [summary["valid/accuracy"] for summary in cells["swept"].summaries]


def test_a_comparison_is_that_of_the_command(cells):
    from trainer.compare.command import main

    compared, file = cells["compared"], cells["swept"].directory / "t.csv"
    assert main([str(cells["swept"].directory), "--csv", str(file)]) == 0
    assert compared.to_pandas()["mean"].tolist() == pytest.approx(pd.read_csv(file)["mean"].tolist())
    assert "optimizer=momentum" in compared._repr_html_() and str(compared).count("optimizer=momentum") >= 2
    assert len(compared.sentences) == 1


def test_a_study_is_a_table_with_a_row_a_comparison(cells):
    table = cells["answer"].to_pandas()
    assert list(table["word"]) == ["momentum"] and str(cells["answer"]).startswith("momentum")


def changed(**values: Any) -> Experiment:
    return Experiment.from_dict(asking._changed(Experiment(optimizer="momentum").to_dict(), values))


def test_a_word_takes_its_own_numbers_and_a_number_keeps_its_word():
    assert changed(optimizer="adam") == Experiment(optimizer="adam")
    assert changed(**{"optimizer.beta": 0.5}).optimizer.beta == 0.5
    assert changed(optimizer="momentum", **{"optimizer.lr": 2}).optimizer.lr == 2


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"optimzer": "adam"}, "Did you mean 'optimizer'"),
        ({"seed": [1, 1]}, "are the same"),
        ({"epochs": [-1]}, "epochs"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_written(tmp_path, monkeypatch, values, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=sentence):
        asking.run(**values)
    assert list(tmp_path.iterdir()) == []
