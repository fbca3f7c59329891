"""Cells for the tests of sweeps, and a program that trains some: `python sweep_cells.py DIRECTORY KIND [KEY=VALUE]…`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

from trainer.experiment import Experiment
from trainer.sweep.cells import Cell, SweepSettings
from trainer.sweep.sweep import run_sweep

SYNTHETIC = {"name": "synthetic", "samples": 300, "validation": 60, "features": 48}


def cell(*words: str, **keys: Any) -> Cell:
    """A cell with these `key=value` words (a number where the value is one), named by them; `keys` are in no word."""
    for word in words:
        key, _, value = word.partition("=")
        keys[key] = json.loads(value) if value[0].isdigit() else value
    keys = {
        "epochs": 2,
        "batch_size": 32,
        "device": "cpu",
        "model": {"name": "mlp", "hidden": [20]},
        "dataset": SYNTHETIC,
    } | keys
    return Cell(Experiment(**keys), ",".join(words), words)


def grid(choices: dict[str, Iterable[Any]], **keys: Any) -> list[Cell]:
    """A cell for each combination."""
    words = [[f"{key}={value}" for value in values] for key, values in choices.items()]
    return [cell(*combination, **keys) for combination in product(*words)]


def sixty() -> list[Cell]:
    return grid(
        {"optimizer": ("sgd", "momentum", "adam", "rmsprop"), "clip": ("none", "grad", "agc"), "seed": range(5)}
    )


def slow() -> list[Cell]:
    """Some seconds of work with checkpoints on the way."""
    return grid({"optimizer": ("sgd", "adam", "nesterov"), "seed": range(4)}, epochs=150, checkpoint={"epochs": 10})


def read(directory: Path, file: str = "summary.json") -> dict[str, Any]:
    return json.loads((directory / file).read_text())


if __name__ == "__main__":
    kinds = {"sixty": sixty, "slow": slow}
    run_sweep(kinds[sys.argv[2]](), Path(sys.argv[1]), SweepSettings(**json.loads((sys.argv[3:] or ["{}"])[0])))
