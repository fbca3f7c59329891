"""Run directories, mutated at random, for compare and resume: an answer in sentences, never a traceback, never a hang.

`python -m pytest tests/run/test_fuzz.py --hypothesis-seed=N` with TRAIN_FUZZ=2000 in the environment tries more, and others."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from commands import TINY, train
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.compare.command import main as compare
from trainer.errors import ConfigError
from trainer.run import checkpoint
from trainer.run.export import load_model
from trainer.run.run import resume
from trainer.sweep.sweep import resume_sweep

EXAMPLES = int(os.environ.get("TRAIN_FUZZ", "40"))
FILES = ("config.yaml", "summary.json", "metrics.jsonl", "checkpoint.pt", "model.pt", "hits.npz")
HUGE = 10**400

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(
        [HUGE, 2**63, -(2**63), 1e308, float("inf"), float("nan"), "", "sgd", "completed", "\x1b[2J", "x" * 300]
    ),
    st.text(max_size=8),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A folder with a run that can go on, and a sweep with a cell to be trained."""
    place = tmp_path_factory.mktemp("template")
    words = (*TINY, "epochs=1", "optimizer=adam")
    assert train(place, *words, "name=run").end() == train(place, *words, "seed=5", "name=other").end() == 0
    return place / "runs"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a mapping or list."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


def put(content: Any, path: tuple[Any, ...], value: Any, remove: bool) -> Any:
    """The content with another value at a place, or none."""
    if not path:
        return value
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    if remove and isinstance(holder, dict):
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return content


def mutated(draw: Callable[[Any], Any], file: Path) -> None:
    """Change a file: some bytes, or a value inside it, or all of it."""
    how = draw(st.sampled_from(["bytes", "cut", "value", "value", "value", "gone", "empty"]))
    if how == "gone":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "cut":
        file.write_bytes(file.read_bytes()[: draw(st.integers(0, file.stat().st_size))])
    elif how == "bytes":
        content = bytearray(file.read_bytes())
        for _ in range(draw(st.integers(1, 8))):
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
        file.write_bytes(content)
    else:
        inside(draw, file)


def inside(draw: Callable[[Any], Any], file: Path) -> None:
    read, write = {
        ".yaml": (lambda: yaml.safe_load(file.read_text()), lambda x: file.write_text(yaml.safe_dump(x))),
        ".json": (lambda: json.loads(file.read_text()), lambda x: file.write_text(dumped(x))),
        ".jsonl": (
            lambda: [json.loads(line) for line in file.read_text().splitlines()],
            lambda rows: file.write_text("\n".join(map(dumped, rows if isinstance(rows, list) else [rows])) + "\n"),
        ),
        ".pt": (lambda: torch.load(file, weights_only=True), lambda x: torch.save(x, file)),
    }.get(file.suffix, (None, None))
    if read is None or write is None:
        return file.write_bytes(draw(st.binary(max_size=200)))
    content = read()
    path = draw(st.sampled_from(places(dict(content) if isinstance(content, dict) else content)))
    write(put(content, path, draw(values), draw(st.booleans())))
    return None


def dumped(value: Any) -> str:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(value)
    finally:
        sys.set_int_max_str_digits(before)


def quietly(action: Callable[[], int]) -> tuple[int, str]:
    """The exit code and all that was said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = action()
    return code, said.getvalue()


@settings(max_examples=EXAMPLES, derandomize="TRAIN_FUZZ" not in os.environ)
@given(data=st.data())
def test_mutated_runs_are_compared_and_resumed_or_refused(template, data):
    with tempfile.TemporaryDirectory() as place:
        runs = Path(shutil.copytree(template, Path(place) / "runs"))
        for name in data.draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=3, unique=True)):
            mutated(data.draw, runs / "run" / name)
        code, said = quietly(lambda: compare([str(runs), "--json", str(Path(place) / "t.json")]))
        assert code in (0, 2) and "Traceback" not in said and "\x1b" not in said
        code, said = quietly(lambda: resume(runs / "run", {"epochs": 2}))
        assert code in (0, 1, 2, 3) and "Traceback" not in said and "\x1b" not in said
        assert code != 1, said  # a crash is an answer to a full disk, and to nothing in a file
        with contextlib.suppress(ConfigError):
            load_model(runs / "run")
        with contextlib.suppress(ConfigError):
            checkpoint.load(runs / "run")


@settings(max_examples=EXAMPLES // 2, derandomize="TRAIN_FUZZ" not in os.environ)
@given(data=st.data())
def test_mutated_sweeps_are_compared_and_resumed_or_refused(template, data):
    """No worker is started: all runs of the list are there already, or the list is refused."""
    with tempfile.TemporaryDirectory() as place:
        runs = Path(shutil.copytree(template, Path(place) / "runs"))
        cells = [
            {"name": name, "overrides": [], "config": yaml.safe_load((runs / name / "config.yaml").read_text())}
            for name in ("run", "other")
        ]
        for each in cells:
            each["config"].pop("format")
        settings = {"workers": 1, "prune": None, "fail_fast": False}
        (runs / "sweep.json").write_text(json.dumps({"format": 4, "settings": settings, "cells": cells}))
        assert quietly(lambda: resume_sweep(runs, {}))[0] == 0
        inside(data.draw, runs / "sweep.json")
        assert quietly(lambda: compare([str(runs)]))[0] in (0, 2)
        code, said = quietly(lambda: resume_sweep(runs, {})) if finished(runs) else (2, "")
        assert code in (0, 1, 2) and "Traceback" not in said and "\x1b" not in said


def finished(runs: Path) -> bool:
    """Whether no cell is left to be trained, which takes seconds."""
    from trainer.sweep.cells import read_sweep
    from trainer.sweep.existing import existing

    try:
        cells, _ = read_sweep(runs)
        return all(existing(cell.experiment, runs / cell.name, {"completed"}).summary for cell in cells)
    except ConfigError:
        return True
