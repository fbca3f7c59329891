"""A search over learning rates: what is said of known curves, and that what is said to be typed is right."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from commands import TINY, train
from compare_runs import momentum, sgd, write_run

from trainer.compare.asking import of
from trainer.compare.comparison import compare
from trainer.compare.options import Options
from trainer.compare.rate_search import Search, searches
from trainer.compare.rate_words import chart, next_command, told

GRID = (0.001, 0.003, 0.01, 0.03, 0.1)
NOISE = (-0.004, 0.0, 0.005)
DIVERGED = None


def write(
    root: Path,
    curve: Sequence[float | None],
    rates: Sequence[float] = GRID,
    word: Any = sgd,
    noise: Any = NOISE,
    **words: Any,
):
    """A run for each rate and each seed, about its place on the curve; seeds differ alike at all rates but for a little."""
    for place, (rate, mean) in enumerate(zip(rates, curve, strict=True)):
        for seed, shift in enumerate(noise):
            value = None if mean is DIVERGED else mean + shift + 0.001 * ((seed + place) % 3)
            status = "diverged" if value is None else "completed"
            write_run(root, seed, value, status=status, optimizer=word(rate), **words)


def found(root: Path, **options: Any) -> list[Search]:
    chosen = Options(**options)
    return [search for table in compare([root], chosen).tables for search in searches(table, chosen)]


def only(root: Path) -> Search:
    (search,) = found(root)
    return search


def test_the_best_in_the_middle(tmp_path):
    write(tmp_path, [0.2, 0.6, 0.9, 0.9, 0.5])
    search = only(tmp_path)
    assert told(search) == (
        f"The best of 5 learning rates is {search.best.rate:g} (valid/accuracy {100 * search.best.mean:.2f} %). From 0.01 to "
        "0.03 all are within the noise of 3 seeds. It was chosen on these data, so its score is slightly optimistic."
    )
    assert [each.rate for each in search.as_good] == [0.01, 0.03] and search.edge == 0
    assert next_command(search) == f"Train with it: train epochs=2 optimizer.lr={search.best.rate:g}"


def test_one_stands_out(tmp_path):
    write(tmp_path, [0.2, 0.6, 0.9, 0.7, 0.5])
    assert "is 0.01 (valid/accuracy" in told(only(tmp_path))
    assert "All others are worse beyond the noise of 3 seeds." in told(only(tmp_path))


@pytest.mark.parametrize(
    ("curve", "word", "rates"),
    [
        ([0.2, 0.3, 0.4, 0.5, 0.9], "largest", "0.1,0.3,1"),
        ([0.9, 0.8, 0.4, 0.3, 0.2], "smallest", "0.0001,0.0003,0.001"),
    ],
)
def test_at_an_edge_it_says_where_to_search_on_in_the_grids_own_steps(tmp_path, curve, word, rates):
    write(tmp_path, curve)
    search = only(tmp_path)
    assert f", the {word} (valid/accuracy" in told(search)
    size = {"largest": "Larger", "smallest": "Smaller"}[word]
    assert next_command(search) == f"{size} ones: train -m epochs=2 optimizer.lr={rates} 'seed=range(3)'"


def test_a_flat_curve_tells_nothing_apart(tmp_path):
    write(tmp_path, [0.9, 0.9, 0.9, 0.9, 0.9])
    assert "From 0.001 to 0.1 all are within the noise of 3 seeds." in told(only(tmp_path))


def test_where_runs_diverge(tmp_path):
    """A rate below which is best is no edge: beyond it there is nothing to find."""
    write(tmp_path, [0.2, 0.6, 0.9, DIVERGED, DIVERGED])
    write_run(tmp_path, 3, 0.93, optimizer=sgd(0.1))
    search = only(tmp_path)
    assert search.edge == 0 and search.best.rate == 0.01
    assert "From 0.03 on, 6 of 7 runs diverged." in told(search)


def test_a_rate_at_which_any_run_diverged_is_not_the_best(tmp_path):
    write(tmp_path, [0.2, 0.6, 0.8, 0.9, 0.5])
    write_run(tmp_path, 3, None, status="diverged", optimizer=sgd(0.03))
    search = only(tmp_path)
    assert search.best.rate == 0.01 and [each.rate for each in search.as_good] == [0.01]


def test_all_diverged(tmp_path):
    write(tmp_path, [DIVERGED] * 5)
    search = only(tmp_path)
    assert told(search) == "All runs diverged, at each of 5 learning rates from 0.001 on."
    assert next_command(search) == "Smaller ones: train -m epochs=2 optimizer.lr=3e-05,0.0001,0.0003 'seed=range(3)'"
    assert list(chart(search, 80)) == []


@pytest.mark.parametrize(("noise", "words"), [((0.0,), "One seed"), ((0.0, 0.01), "2 seeds")])
def test_few_seeds_tell_nothing(tmp_path, noise, words):
    write(tmp_path, [0.2, 0.6, 0.9, 0.7, 0.5], noise=noise)
    assert f"{words} can't tell luck from a difference." in told(only(tmp_path))


def test_each_optimizer_has_its_own(tmp_path):
    write(tmp_path, [0.2, 0.6, 0.9, 0.7, 0.5])
    write(tmp_path, [0.6, 0.9, 0.7, 0.5, 0.2], word=momentum, clip={"name": "grad", "threshold": 2.0})
    one, other = found(tmp_path)
    assert (
        told(one).startswith("The best of 5 learning rates of optimizer=sgd clip=none is 0.01 (")
        and one.best.rate == 0.01
    )
    assert other.best.rate == 0.003
    assert (
        next_command(other)
        == "Train with it: train epochs=2 optimizer=momentum clip=grad clip.threshold=2 optimizer.lr=0.003"
    )


@pytest.mark.parametrize("rates", [(0.01, 0.1), (0.01,)])
def test_two_rates_are_no_search(tmp_path, rates):
    write(tmp_path, [0.9, 0.8][: len(rates)], rates)
    assert found(tmp_path) == []


def test_nothing_is_said_of_many_nor_of_pruned_nor_of_tuned_ones(tmp_path):
    write(tmp_path / "a", [0.2, 0.6, 0.9, 0.7, 0.5])
    assert found(tmp_path / "a", tune=("optimizer.lr",)) == []
    for hidden in range(1, 6):
        write(tmp_path / "b", [0.2, 0.6, 0.9, 0.7, 0.5], model={"name": "mlp", "hidden": [hidden]})
    assert found(tmp_path / "b") == []
    write_run(tmp_path / "a", 7, 0.9, status="pruned", optimizer=sgd(0.01))
    assert found(tmp_path / "a") == []


def test_it_is_chosen_on_validation_images_whatever_is_compared(tmp_path):
    for place, rate in enumerate(GRID):
        for seed in range(3):
            accuracy = 0.9 - abs(place - 1) / 10 + seed / 1000
            write_run(tmp_path, seed, accuracy, optimizer=sgd(rate), summary={"test/accuracy": 1 - accuracy})
    (search,) = found(tmp_path, metric="test/accuracy")
    assert search.metric == "valid/accuracy" and search.best.rate == 0.003


def test_of_losses_the_lowest_is_best(tmp_path):
    for place, rate in enumerate(GRID):
        for seed in range(3):
            loss = {"valid/loss": 0.1 + abs(place - 2) / 10 + seed / 1000}
            write_run(tmp_path, seed, 0.5, optimizer=sgd(rate), summary=loss)
    (search,) = found(tmp_path, metric="valid/loss")
    assert told(search).startswith("The best of 5 learning rates is 0.01 (valid/loss 0.1010).")


def test_without_validation_images_nothing_is_chosen(tmp_path):
    for rate in GRID:
        write_run(tmp_path, 0, None, optimizer=sgd(rate), summary={"test/accuracy": 0.9})
    assert found(tmp_path, metric="test/accuracy") == []


def test_a_strangers_rate_that_is_no_number_is_no_search(tmp_path):
    for rate in (*GRID, "fast", True, -1.0):
        write_run(tmp_path, 0, 0.9, optimizer={"name": "sgd", "lr": rate})
    assert found(tmp_path) == []


def test_the_chart_has_a_line_a_rate_and_its_marks_at_their_places(tmp_path):
    write(tmp_path, [0.0, 0.5, 1.0, 0.75, DIVERGED], noise=(0.0,))
    title, *lines = chart(only(tmp_path), 12 + 2 + 60 + 6 + 4)
    assert title.startswith("optimizer.lr  valid/accuracy") and len(lines) == 5
    places = [next((line[14:].find(mark) for mark in "*o" if mark in line[14:]), None) for line in lines[:4]]
    assert places[0] == 0 and places[2] == 59 and lines[2][14:].strip()[0] == "*"
    assert abs(places[1] - places[2] / 2) <= 1 and abs(places[3] - places[2] * 3 / 4) <= 1
    assert lines[4].split() == ["0.1", "1", "of", "1", "diverged"]
    assert max(map(len, lines[:4])) <= 84 and list(chart(only(tmp_path), 30)) == []


def test_it_is_in_the_table_and_the_files(tmp_path, monkeypatch):
    write(tmp_path / "runs", [0.2, 0.6, 0.9, 0.7, 0.5])
    sentence = told(only(tmp_path / "runs"))
    assert sentence in " ".join(str(of(tmp_path / "runs")).split())
    for option, name in (("--json", "t.json"), ("--markdown", "t.md"), ("--latex", "t.tex")):
        train(tmp_path, "compare", "runs", option, name, "-q")
    (table,) = json.loads((tmp_path / "t.json").read_text())["tables"]
    assert table["learning_rates"] == [sentence]
    assert "The best of 5 learning rates is 0.01" in (tmp_path / "t.md").read_text()
    assert "The best of 5 learning rates is 0.01" in (tmp_path / "t.tex").read_text()


def test_the_recipe_ends_with_a_curve_a_sentence_and_a_command_that_runs(tmp_path):
    words = (
        "experiment=learning_rates",
        "optimizer=adam",
        "optimizer.lr=0.0001,0.001,0.01,0.1",
        "epochs=6",
        "name=sweep",
    )
    run = train(tmp_path, *TINY, *words)
    assert run.end() == 0, run.err
    lines = run.out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("optimizer.lr  valid/accuracy ("))
    assert [line.split()[0] for line in lines[start + 1 : start + 5]] == ["0.0001", "0.001", "0.01", "0.1"]
    assert lines[start + 5].startswith("The best of 4 learning rates is ")
    typed = shlex.split(
        next(line for line in lines if line.startswith(("Train with it: ", "Larger ones: "))).partition(": train ")[2]
    )
    assert {"epochs=6", "optimizer=adam", "batch_size=60", "dataset=synthetic", "model.hidden=[8]"} <= {*typed}
    again = train(tmp_path, *typed, "threads=1", "device=cpu", "name=again")
    assert again.end() == 0, again.err
