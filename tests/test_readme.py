"""The README: short, its set-up commands are two, its pictures and numbers are those of the committed results."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.results import RESULTS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PEERS, WALL, ACCURACIES, OVERHEADS = (
    f"2026-11-{name}.json" for name in ("28-peers", "28-wall-2", "23-accuracies", "28-overheads")
)  # fmt: skip
QUOTED = (
    (PEERS, "{:.2f} times as fast as the usual DataLoader loop", "faster than the article's loop"),
    (PEERS, "{:.2f} times as fast as Lightning on tensors in memory", "faster than Lightning"),
    (PEERS, "{:.2f} times as fast as scikit-learn", "faster than scikit-learn"),
    (PEERS, "{:.2f} times as long as JAX under jit", "one run over JAX jit"),
    (WALL, "ten epochs `train` takes {:.1f} s", "ten epochs, whole process"),
    (WALL, "{:.2f} times as fast as the best of these peers", "ten epochs ahead of the best peer, whole processes"),
    (PEERS, "32 runs is {:.2f} times as fast as `jax.vmap` of 32", "sweep of 32 faster than jax.vmap"),
    (
        OVERHEADS,
        "100 seeds over one epoch {:.1f} times as fast as one process per run",
        "sweep of 100 seeds faster than one process a run (extrapolated from 4)",
    ),
    *(
        (ACCURACIES, f"{{:.2f}} ± {{:.2f}} % for {words}", f"test accuracy, {row}", f"its deviation, {row}")
        for words, row in (
            ("`sgd`", "sgd (the default)"),
            ("`momentum`", "momentum"),
            ("`heavy_ball` with `optimizer.lr=0.1`", "heavy_ball lr=0.1"),
        )
    ),
)
"""Each number of the README's prose: its results file, the words around it, its name there. Evidence has its own test."""


def sentence(file: str, words: str, *names: str) -> str:
    """The words with the numbers of the results file."""
    figures = json.loads((RESULTS / file).read_text(encoding="utf-8"))["figures"]
    return words.format(*(figures[name]["value"] for name in names))


def prose() -> str:
    """What stands between code, tables and links' targets, on one line."""
    text = re.sub(r"<!-- evidence -->.*<!-- /evidence -->|```.*?```", "", README, flags=re.DOTALL)
    return " ".join(re.sub(r"\]\([^)]*\)", "]", text).split())


def test_every_number_is_that_of_its_results_file():
    assert [said for said in (sentence(*each) for each in QUOTED) if said not in prose()] == []


def test_there_are_no_numbers_beside_those():
    text = prose()
    for each in QUOTED:
        text = text.replace(sentence(*each), "")
    text = re.sub(r"(Python|Hydra) \d\.\d+|`[^`]*`", "", text)
    assert re.findall(r"\d+\.\d+", text) == []


def test_it_is_short_and_its_lines_too():
    lines = README.splitlines()
    assert len(lines) < 130 and [line for line in lines if len(line) > 130] == []


def test_there_are_exactly_two_set_up_lines_of_one_line_each():
    blocks = re.findall(r"<!-- (run|test) -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert [name for name, _ in blocks] == ["run", "test"]
    assert all("\n" not in line and "pip install" in line for _, line in blocks)
    assert README.count(".venv/bin/pip install") == 2


def test_its_first_screen_installs_and_shows_a_result():
    head = README.split("\n## ")[0]
    assert len(head.splitlines()) < 30 and "<!-- run -->" in head and "![" in head
