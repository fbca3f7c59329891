"""sweep.json: what is written is read back, and what a stranger wrote is refused in a sentence; a launcher's settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sweep_cells import cell, grid

from trainer.errors import ConfigError
from trainer.identity import FORMAT
from trainer.sweep.cells import Cell, SweepSettings, check_prunable, read_sweep, write_sweep

WRONG_SETTINGS = [
    ({"workers": 0}, "hydra.launcher.workers=0 is not allowed: it must be null or a whole number from 1."),
    ({"workers": -2}, "hydra.launcher.workers=-2 is not allowed: it must be null or a whole number from 1."),
    ({"workers": 1.5}, "hydra.launcher.workers=1.5 is not allowed: it must be null or a whole number from 1."),
    (
        {"prune": "halvin"},
        "There is no hydra.launcher.prune=halvin. Did you mean 'halving'? Choose one of: null, halving.",
    ),
]


@pytest.mark.parametrize("keys, sentence", WRONG_SETTINGS)
def test_settings_of_the_launcher_are_checked(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        SweepSettings(**keys)
    assert str(error.value) == sentence
    assert SweepSettings(1, "halving").workers == 1 and SweepSettings() == SweepSettings(None, None, False)


def test_what_is_pruned_is_judged_by_images_held_out() -> None:
    none = {"name": "synthetic", "samples": 300, "validation": 0, "features": 48}
    cells = [cell("seed=1"), cell("seed=2", dataset=none)]
    check_prunable(cells, SweepSettings())
    check_prunable(cells[:1], SweepSettings(prune="halving"))
    with pytest.raises(ConfigError) as error:
        check_prunable(cells, SweepSettings(prune="halving"))
    assert str(error.value) == (
        "prune=halving judges runs by valid/accuracy and dataset.validation=0 holds no images out: leave one of them out."
    )


def test_a_sweep_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_sweep(tmp_path) == ([], SweepSettings())
    cells, settings = grid({"seed": range(2), "optimizer": ["sgd", "adam"]}), SweepSettings(3, "halving", True)
    write_sweep(tmp_path, cells, settings)
    assert read_sweep(tmp_path) == (cells, settings)
    content = json.loads((tmp_path / "sweep.json").read_text())
    assert content["format"] == FORMAT and len(content["history"]) == 1
    write_sweep(tmp_path, [*cells, cell("seed=7")], settings)
    assert len(read_sweep(tmp_path)[0]) == 5


def strange(place: Path, **keys: Any) -> str:
    """The sentence for a sweep.json in which something is another; `name` and `overrides` are those of its cell."""
    write_sweep(place, [cell("seed=1")], SweepSettings())
    content = json.loads((place / "sweep.json").read_text())
    for key, value in keys.items():
        (content["cells"][0] if key in ("name", "overrides", "config") else content)[key] = value
    (place / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError) as error:
        read_sweep(place)
    assert str(error.value).startswith(f"{place}/sweep.json can't be read as a sweep: ")
    return str(error.value).partition("as a sweep: ")[2]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/x", "a/", "a\nb", "\x1b[2J"])
def test_a_name_that_leaves_the_directory_is_refused(name: str, tmp_path: Path) -> None:
    assert strange(tmp_path, name=name) == f"{name!r} is no name of a directory."


def test_what_is_no_sweep_is_refused(tmp_path: Path) -> None:
    assert strange(tmp_path, overrides="seed=1") == "seed=1 are no words of a command line."
    assert strange(tmp_path, overrides=["seed=1", 2]) == "['seed=1', 2] are no words of a command line."
    assert strange(tmp_path, overrides=["x" * 99] + [1]) == f"{str(['x' * 99])[:40]} are no words of a command line."
    assert strange(tmp_path, format=99).startswith("its format is 99, and this version of train reads ")
    assert strange(tmp_path, config={"epoch": 1}).startswith("There is no key 'epoch'.")
    assert (
        strange(tmp_path, settings={"worker": 1})
        and strange(tmp_path, settings={"workers": 0})
        and strange(tmp_path, cells=[5])
    )


def test_a_history_that_is_none_begins_with_the_size_of_the_sweep(tmp_path: Path) -> None:
    write_sweep(tmp_path, grid({"seed": range(3)}), SweepSettings())
    content = json.loads((tmp_path / "sweep.json").read_text())
    for kept in (None, 5, [5], [*content["history"], {"cells": "x"}], content["history"]):
        (tmp_path / "sweep.json").write_text(json.dumps(content | {"history": kept}))
        write_sweep(tmp_path, grid({"seed": range(3)}), SweepSettings())
        known = content["history"] if kept == content["history"] else [{"cells": 3, "seeds": 3, "epochs": 2}]
        assert json.loads((tmp_path / "sweep.json").read_text())["history"] == known


def test_a_cell_has_no_words_but_those_given() -> None:
    assert Cell(cell("seed=1").experiment, "x").overrides == ()
