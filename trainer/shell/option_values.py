"""The options of each command and the values that they take, for completion."""

from __future__ import annotations

from trainer.experiment import GROUPS
from trainer.records import Status

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
DIRECTORY, FILE, KEY, WORD = "directory", "file", "key", "word"
METRICS = (
    "valid/accuracy",
    "valid/loss",
    "test/accuracy",
    "test/loss",
    "train/accuracy",
    "train/loss",
    "train_seconds",
)
QUIET = {"--quiet": ""}
FILES = {"--csv": FILE, "--json": FILE}

Value = str | tuple[str, ...]

QUESTION: dict[str, Value] = {
    "--help": "", "--metric": METRICS, "--by": KEY, "--tune": KEY, "--choose-seeds": WORD, "--baseline": WORD,
    "--margin": WORD, "--diverged": ("apart", "last"), "--effects": "",
}  # fmt: skip
"""What compare and report are asked alike."""

OPTIONS: dict[str, dict[str, Value]] = {
    "": {
        "--help": "", "--version": "", "--multirun": "", "-m": "", "--run": "", "--cfg": ("job", "hydra", "all"), "--resolve": "",
        "--package": WORD, "--info": INFO, "--hydra-help": "", "--config-path": DIRECTORY, "--config-name": WORD,
        "--config-dir": DIRECTORY, **QUIET,
    },
    "study": {"--help": "", "--config-dir": DIRECTORY, **QUIET},
    "resume": {**QUIET},
    "show": {"--help": "", "--plot": FILE},
    "runs": {
        **FILES, "--help": "", "--status": tuple(Status), "--dataset": tuple(GROUPS["dataset"]), "--reverse": "", "--cells": "",
        "--sort": ("age", "name", "status", "dataset", "valid", "test", "seconds", *METRICS), "--limit": WORD,
    },
    "compare": {**FILES, **QUESTION, "--markdown": FILE, "--latex": FILE, "--plot": FILE, **QUIET},
    "report": {**QUESTION, "-o": FILE, "--output": FILE},
    "help": {"--markdown": "", "--config-dir": DIRECTORY},
}  # fmt: skip
"""The options of each command ('': training), and what the next word is then: nothing of theirs, one of some words, a key, a
file."""
