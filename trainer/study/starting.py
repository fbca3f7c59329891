"""The beginning of a study as the command line runs it: what it will do is said before libraries are loaded to do it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from trainer.report.guarded import announce
from trainer.study import store
from trainer.study.planning import opening
from trainer.study.question import Question
from trainer.terminal.layout import wrap


def start(question: Question, directory: Path) -> int:
    """Say what answers the question, and do it in `directory`, which is made or goes on; returns the exit code. Raises
    ConfigError where the directory holds something else, and Stopped where a signal came before anything was written."""
    store.check_same(directory, question)
    for sentence in opening(question):
        for line in _lines(sentence):
            announce(line)
    from trainer.study.running import run  # NumPy, SciPy and rich take longer to import than all that came before

    return run(question, directory)


def resume(directory: Path) -> int:
    """Go on with the study in `directory`, or show its answer again; returns the exit code."""
    return start(store.read(directory), directory)


def _lines(sentence: str) -> list[str]:
    """As long as the terminal is wide; a pipe has no width, and a sentence is one line there."""
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    return wrap(sentence, shutil.get_terminal_size().columns) if has_width else [sentence]
