"""Run directories for the tests of `train compare`, written as the trainer writes them."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from trainer.report.hits import write_hits

_clock = count(1_700_000_000)


def write_run(
    root: Path, seed: int, accuracy: float | None = 0.9, *, status: str = "completed", dataset: str = "mnist",
    name: str | None = None, config: dict[str, Any] | None = None, summary: dict[str, Any] | None = None,
    **words: Any,
) -> Path:  # fmt: skip
    """Writes one run. `words` are top-level keys; for a group give its mapping: `optimizer={"name": "sgd", "lr": 1}`.

    Every run is one second younger than the one before, whatever the clock says."""
    plain = {
        "name": "run", "seed": seed, "epochs": 2, "batch_size": 128, "device": "cpu", "threads": "auto", "target": None,
        "dataset": {"name": "mnist", "root": "data", "validation": 5000, "fallback": "digits"},
        "model": {"name": "mlp", "hidden": [128], "activation": "relu"},
        "optimizer": {"name": "sgd", "lr": 0.1}, "clip": {"name": "none"}, "dropout": {"name": "none"},
    }  # fmt: skip
    plain = json.loads(
        json.dumps(plain | words | (config or {}))
    )  # no object twice, which YAML would write as an alias
    result = {
        "status": status, "dataset": dataset, "seed": seed, "steps": 20, "stack": 1, "device": "cpu",
        "train_seconds": 1.0, "valid/accuracy": accuracy, "steps_to_target": None, "samples_to_target": None,
        "seconds_to_target": None,
    } | (summary or {})  # fmt: skip
    now = next(_clock)
    directory = root / (name or f"run{now}")
    directory.mkdir(parents=True)
    for file, text in (("config.yaml", yaml.safe_dump(plain, sort_keys=False)), ("summary.json", json.dumps(result))):
        (directory / file).write_text(text, encoding="utf-8")
        os.utime(directory / file, (now, now))
    return directory


def write_group(root: Path, accuracies: list[float], **words: Any) -> None:
    """One run a seed: seed 0 has the first accuracy, and so on."""
    for seed, accuracy in enumerate(accuracies):
        write_run(root, seed, accuracy, **words)


def sgd(lr: float = 0.1) -> dict[str, Any]:
    return {"name": "sgd", "lr": lr}


def momentum(lr: float = 0.1, beta: float = 0.9) -> dict[str, Any]:
    return {"name": "momentum", "lr": lr, "beta": beta}


def write_hit_runs(root: Path, right: Any, **words: Any) -> None:
    """One run a row of `right` [seeds, images], with its accuracy and its hits on the validation images."""
    for seed, hits in enumerate(right):
        write_hits(write_run(root, seed, float(hits.mean()), **words), {"valid": hits}, "digest", "the last ones")
