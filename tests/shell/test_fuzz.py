"""Command lines of random words, sensible and not: each is answered, by its output or by one sentence, and nothing is written.

TRAIN_FUZZ=5000 tries so many."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cli
from trainer.experiment import GROUPS
from trainer.shell.choices import dotted, top_level

HYDRAS = [
    "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir", "hydra.verbose", "hydra.mode", "hydra",
    "hydra.launcher.workers", "hydra.launcher.prune", "hydra.launcher._target_", "hydra.sweeper.params", "hydra.searchpath",
    "hydra.sweeper.params.seed", "hydra.sweeper.max_batch_size", "hydra.callbacks", "hydra.job.name", "hydra.job.chdir",
    "hydra.job_logging", "hydra.job_logging.root.level", "hydra/hydra_logging", "hydra.job.env_copy", "hydra.job.env_set",
    "hydra/launcher", "hydra/sweeper", "hydra/output", "hydra/job_logging",
]  # fmt: skip
VALUES = [
    "1", "0", "-1", "1e3", "0.1", "nan", "inf", "true", "null", "none", "", "x", "2024", "[]", "[1,2]", "[", "{a:1}", "{", "a,b",
    "1,2", "sgd,adam", "range(3)", "range(0)", "interval(0,1)", "choice(1,2)", "glob(*)", "shuffle(1,2)", "sort(2,1)", "int(1.5)",
    "${seed}", "${nothing}", "${", "${oc.env:HOME}", "${now:%Y}", "${oc.decode:1}", "~", "~/x", "~nobody", "'x'", '"x"', "'",
    "???", "../x", "/proc/x", "a b", "a=b", "é", "\x00", "\x1b[2J", "9" * 400, "a" * 300, "$HOME", ";", "#", "%", "\\", "@",
    "basic", "stack",
]  # fmt: skip
OPTIONS = [
    "-m", "-r", "--cfg", "job", "hydra", "--resolve", "-p", "optimizer", "--info", "defaults", "-cn", "config", "-cd", ".", "-cp",
    "--multirun", "-i", "-x", "--", "---", "-", "--epochs", "3", "momentum", "none", "from=.", "from=", "from=a", "--cfg=job",
    "-sc",
]  # fmt: skip
keys = st.sampled_from(
    [*top_level(), *dotted(), *HYDRAS, "from", "a.b", "epochs.x", "", "model.hidden.0", "optimizer@clip"]
)
choices = st.sampled_from([f"{group}={word}" for group, words in GROUPS.items() for word in words])
settings_of_keys = st.tuples(st.sampled_from(["", "", "", "", "+", "++", "~"]), keys, st.sampled_from(VALUES)).map(
    lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
)
words = st.one_of(choices, choices, settings_of_keys, settings_of_keys, st.sampled_from(OPTIONS), st.text(max_size=8))
lines = st.one_of(
    st.lists(words, max_size=4),
    st.lists(words, max_size=3).map(lambda some: ["-m", *some]),
    st.lists(words, max_size=3).map(lambda some: ["--cfg", "job", *some]),
    st.lists(words, max_size=3).map(lambda some: ["resume", *some]),
    st.lists(words, max_size=3).map(lambda some: ["compare", *some]),
    st.lists(st.one_of(choices, settings_of_keys), max_size=3).map(lambda some: ["study", *some]),
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Where no run can begin: runs is a file."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    for name in ("TRAIN_TRACEBACK", "HYDRA_FULL_ERROR", "TRAIN_DATA", "COMP_LINE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "cwd" / "runs").touch()
    before = logging.raiseExceptions, logging.root.level, list(logging.root.handlers)
    yield tmp_path
    logging.raiseExceptions, logging.root.level, logging.root.handlers[:] = before


@settings(
    max_examples=int(os.environ.get("TRAIN_FUZZ", 150)),
    derandomize="TRAIN_FUZZ" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(argv=lines)
def test_any_command_line_is_answered(argv, elsewhere):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(argv)
    said = err.getvalue()
    assert code in (0, 2), said
    assert "Traceback" not in said
    if code == 2:
        assert re.fullmatch(r"train( compare)?: .+\n", said, re.DOTALL), said
        assert len(said.splitlines()) == 1 or argv[0] == "compare", said  # which names what it has skipped, too
        assert out.getvalue() == "" or {"--info", "-i"} & set(argv)
    assert "\x1b" not in said
    assert [str(path.relative_to(elsewhere)) for path in Path(elsewhere).rglob("*")] == ["cwd", "cwd/runs"]
