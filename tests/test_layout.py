"""Help texts: lines of the terminal's width, words and formulas whole, styles where a terminal shows them and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.terminal.layout import END, TERM, examples, terms, wrap

ROOT = Path(__file__).parents[1]
WORDS = st.lists(st.text("abcde-", min_size=1, max_size=12), max_size=30)
PAIRS = st.tuples(st.text("ab=", min_size=1, max_size=40), WORDS.map(" ".join))
HELPS = [
    ["--help"],
    ["compare", "--help"],
    ["runs", "--help"],
    ["study", "--help"],
    ["help"],
    ["help", "optimizer=adam"],
]


def shown(line: str) -> str:
    return line.replace(TERM, "").replace(END, "")


@given(WORDS, st.integers(20, 100))
def test_a_paragraph_keeps_its_words_and_its_width(words, columns):
    lines = wrap(" ".join(words), columns)
    assert " ".join(lines).split() == " ".join(words).split()
    assert all(len(line) <= columns for line in lines)


@given(
    st.lists(st.tuples(st.text("ab=", min_size=1, max_size=40), WORDS.map(" ".join)), min_size=1, max_size=5),
    st.integers(60, 100),
)
def test_meanings_stand_in_one_column(pairs, columns):
    lines = [shown(line) for line in terms(pairs, columns)]
    assert "".join(lines).replace(" ", "") == "".join(f"{a}{b}" for a, b in pairs).replace(" ", "")
    assert all(len(line) <= columns for line in lines)
    assert all([shown(line) for line in examples(pairs, columns)])


def test_formulas_are_not_broken():
    text = "plain gradient descent: θ ← θ − ηg; and θ ← clamp(θ, −c, c)"
    for columns in range(20, 60):
        lines = wrap(text, columns)
        assert sum("θ ← θ − ηg" in line for line in lines) == sum("θ ← clamp(θ, −c, c)" in line for line in lines) == 1


def on_a_terminal(words: list[str], **environment: str) -> str:
    """What a command prints to a terminal of 80 columns."""
    master, slave = pty.openpty()
    env = {key: x for key, x in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    env |= {"TERM": "xterm-256color", "COLUMNS": "80", "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "trainer.shell.main", *words]
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env=env, cwd=ROOT)
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # how Linux tells that the other side is closed
            break
        text += piece
    os.close(master)
    assert process.wait(60) == 0
    return text.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_is_bold_on_a_terminal_alone_and_fits_it(words):
    styled = on_a_terminal(words)
    plain = on_a_terminal(words, NO_COLOR="1")
    assert "\033[1m" in styled and "\033[36m" in styled and "\033" not in plain
    assert re.sub(r"\033\[\d+m", "", styled) == plain == on_a_terminal(words, TERM="dumb")
    assert not re.search(r"[\x01-\x03]", styled)
    command = [sys.executable, "-m", "trainer.shell.main", *words]
    env = {**os.environ, "COLUMNS": "80"}
    piped = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT).stdout
    assert piped == plain and max(len(line) for line in plain.splitlines() if "/" not in line) < 80
