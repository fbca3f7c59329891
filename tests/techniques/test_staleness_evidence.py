"""docs/evidence/staleness.md says what the committed runs say: every table is made anew from docs/evidence/staleness.csv."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml
from scipy import stats

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/evidence/staleness.md").read_text(encoding="utf-8")
RUNS = pd.read_csv(ROOT / "docs/evidence/staleness.csv")
OPTIMIZERS = list(dict.fromkeys(RUNS["optimizer"]))
FIXED = "fixed", False
CORRECTED = "fixed", True
RANDOM = "random", False


def accuracies(optimizer: str, updates: int, how: tuple[str, bool] = FIXED) -> pd.Series:
    """valid/accuracy in % by seed."""
    staleness, scale_lr = how
    same = (RUNS["optimizer"] == optimizer) & (RUNS["updates"] == updates) & (RUNS["staleness"] == staleness)
    return 100 * RUNS[same & (RUNS["scale_lr"] == scale_lr)].set_index("seed")["valid/accuracy"]


def mean(optimizer: str, updates: int, how: tuple[str, bool] = FIXED) -> str:
    """Mean ± standard deviation over the seeds."""
    found = accuracies(optimizer, updates, how)
    return f"{found.mean():.2f} ± {found.std():.2f}"


def difference(optimizer: str, updates: int) -> str:
    """From τ = 0 in points, paired by seed: mean and 95 % interval (Student's t)."""
    paired = accuracies(optimizer, updates) - accuracies(optimizer, 0)
    low, high = stats.t.interval(0.95, len(paired) - 1, paired.mean(), stats.sem(paired))
    return f"{paired.mean():+.2f} ({low:+.2f} to {high:+.2f})".replace("-", "−")


def table(heads: Sequence[str], cells: Sequence[Callable[[str], str]]) -> str:
    """A line for each optimizer."""
    rows = [[f"`{optimizer}`", *(cell(optimizer) for cell in cells)] for optimizer in OPTIMIZERS]
    lines = [["optimizer", *heads], ["---"] * (len(heads) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("| --- ", "|---").replace("--- |", "---|") for line in lines)


TABLES = {
    "accuracies": table(
        [f"τ = {tau}" for tau in (0, 1, 3, 7)], [lambda o, tau=tau: mean(o, tau) for tau in (0, 1, 3, 7)]
    ),
    "differences": table(
        [f"τ = {tau}" for tau in (1, 3, 7)], [lambda o, tau=tau: difference(o, tau) for tau in (1, 3, 7)]
    ),
    "correction": table(
        [f"τ = {tau}, {rate}" for tau in (3, 7) for rate in ("η", "η/τ")],
        [lambda o, tau=tau, how=how: mean(o, tau, how) for tau in (3, 7) for how in (FIXED, CORRECTED)],
    ),
    "random": table(
        [text for tau in (3, 7) for text in (f"always {tau}", f"0 … {2 * tau}")],
        [
            lambda o, tau=tau, how=how: mean(o, tau, how)
            for mean_delay in (3, 7)
            for how, tau in ((FIXED, mean_delay), (RANDOM, 2 * mean_delay))
        ],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_is_what_the_runs_say(name):
    assert f"<!-- {name} -->\n{TABLES[name]}\n<!-- /{name} -->" in PAGE


def test_the_page_has_no_other_table():
    assert re.findall(r"<!-- (\w+) -->\n\| optimizer", PAGE) == list(TABLES)
    assert PAGE.count("| optimizer") == len(TABLES)


def test_no_run_is_left_out_and_every_number_is_of_all_seeds():
    """Those of the recipe and of the two sweeps beside it; a run that ended otherwise would have to be named."""
    params = yaml.safe_load((ROOT / "conf/experiment/staleness.yaml").read_text(encoding="utf-8"))["hydra"]["sweeper"][
        "params"
    ]
    assert params["optimizer"].split(",") == OPTIMIZERS and params["staleness.updates"] == "0,1,3,7"
    sizes = RUNS.groupby(["staleness", "scale_lr", "updates", "optimizer"])["seed"].agg(["size", "nunique"])
    assert len(sizes) == 8 * len(OPTIMIZERS) and (sizes == 10).all().all() and params["seed"] == "range(10)"
    assert (RUNS["status"] == "completed").all() and RUNS["valid/accuracy"].notna().all()


def test_the_edge_of_stability_is_the_formula():
    """The rates in the sentence about a quadratic; test_staleness.py holds the formula itself against the program."""
    edges = [2 * math.sin(math.pi / (4 * tau + 2)) for tau in (0, 1, 3, 7)]
    assert "2, 1, 0.45 and 0.21" in PAGE and [round(edge, 2) for edge in edges] == [2, 1, 0.45, 0.21]
