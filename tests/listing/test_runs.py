"""`train runs`: which rows there are, what they say, how they are chosen, ordered and written."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path

import pytest
from compare_runs import momentum, sgd, write_run

from trainer.compare.finding import find
from trainer.listing.command import main
from trainer.listing.entries import Entry, entries
from trainer.listing.table import ROOM, age, lines, settings, status


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def sweep(root: Path, *cells: dict, waiting: int = 0, **common) -> None:
    """A sweep whose cells are runs called a, b, …, and `waiting` more of which nothing is there."""
    for name, cell in zip("abcdefgh", cells, strict=False):
        write_run(root, **{"seed": 0, "name": name, **common, **cell})
    names = [*"abcdefgh"[: len(cells)], *(f"waiting{i}" for i in range(waiting))]
    (root / "sweep.json").write_text(json.dumps({"cells": [{"name": name} for name in names]}))


def rows(*words: str) -> list[Entry]:
    roots = [Path(word) for word in words or ["runs"]]
    found = find(roots)
    return entries(found, found.runs, roots, apart=False)


def names(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines()[2:] if line and not line.startswith((" ", "A sweep"))]


def listed(capsys, *words: str) -> list[str]:
    assert main(list(words)) == 0
    return names(capsys.readouterr().out)


# -- rows


def test_a_run_is_a_row_and_so_is_a_sweep_unless_it_is_opened(here, capsys):
    write_run(here / "runs", 0, name="alone")
    sweep(here / "runs/many", *({"seed": seed} for seed in range(3)))
    assert listed(capsys) == ["many", "alone"]
    assert sorted(listed(capsys, "--cells")) == ["alone", "many/a", "many/b", "many/c"]
    assert sorted(listed(capsys, "runs/many")) == ["a", "b", "c"]
    assert sorted(listed(capsys, "runs/many", "runs/alone")) == [
        "runs/alone",
        "runs/many/a",
        "runs/many/b",
        "runs/many/c",
    ]
    assert listed(capsys, "runs/alone") == ["runs/alone"]


def test_what_differs_from_the_defaults_is_named_once(here):
    write_run(here / "runs", 3, optimizer=sgd(0.2), epochs=10)
    assert settings(rows()[0]) == "seed=3"
    write_run(here / "runs", 0, optimizer=momentum(0.5), epochs=10, clip={"name": "grad", "threshold": 2.0}, name="x")
    assert settings(rows("runs/x")[0]) == "optimizer=momentum clip=grad clip.threshold=2"
    write_run(here / "runs", 0, optimizer={"name": "batch_gd", "lr": 0.5}, batch_size="full", epochs=10, name="whole")
    assert settings(rows("runs/whole")[0]) == "optimizer=batch_gd"


def test_the_keys_of_a_sweep_have_all_of_its_values_long_lists_shortened(here):
    cells = [{"optimizer": optimizer, "seed": seed} for optimizer in (sgd(0.2), momentum(0.5)) for seed in range(3)]
    sweep(here / "runs/s", *cells, epochs=10)
    assert settings(rows()[0]) == "optimizer=sgd,momentum seed=0,1,2"
    sweep(here / "runs/t", *({"optimizer": sgd(k / 10), "seed": k} for k in range(1, 7)), epochs=10)
    assert settings(rows("runs/t/..")[-1]) == "optimizer.lr=0.1…0.6(6) seed=1…6(6)"


def test_the_status_of_a_sweep_counts_its_runs_those_that_never_began_included(here):
    sweep(here / "runs/s", {}, {"seed": 1}, {"seed": 2, "status": "diverged"}, waiting=4)
    (row,) = rows()
    assert row.statuses == {"completed": 2, "diverged": 1, "waiting": 4}
    assert status(row) == "4/7 waiting"
    assert settings(row).startswith("2 completed, 1 diverged, ")


def test_a_run_whose_process_is_gone_was_interrupted(here, capsys):
    write_run(here / "runs", 0, status="running", name="x")
    assert main([]) == 0
    assert "interrupted" in capsys.readouterr().out


def test_runs_of_one_stack_share_their_seconds(here):
    shared = {"stack": 2, "train_seconds": 4.0, "clock": {"id": "one"}}
    sweep(
        here / "runs/s",
        {"summary": shared},
        {"seed": 1, "summary": shared},
        {"seed": 2, "summary": {"train_seconds": 0.5}},
    )
    assert rows()[0].seconds == 4.5


def test_links_are_followed_and_broken_runs_named(here, capsys):
    write_run(here / "elsewhere", 0, name="a")
    (here / "runs").mkdir()
    (here / "runs/link").symlink_to(here / "elsewhere")
    broken = write_run(here / "runs", 0, name="broken")
    (broken / "summary.json").write_text("{")
    assert main([]) == 0
    captured = capsys.readouterr()
    assert names(captured.out) == ["link/a"]
    assert re.match(r"Skipped runs/broken/summary\.json: ", captured.err)


# -- the table


def test_a_copy_of_a_run_is_as_old_as_the_run(here):
    write_run(here / "runs", 0, summary={"clock": {"ended": 1_600_000_000.5}})
    assert rows()[0].last_written == 1_600_000_000.5
    write_run(here / "other", 0, summary={"clock": {"ended": 1e300}})
    assert rows("other")[0].last_written < time.time()


@pytest.mark.parametrize(("seconds", "text"), [(-5, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (200_000, "2d")])
def test_an_age_has_the_largest_unit_that_fits(seconds, text):
    assert age(seconds) == text


def test_a_narrow_terminal_loses_columns_but_no_name_and_no_setting(here):
    sweep(here / "runs/2026-11-25_09-17-46", *({"optimizer": momentum(0.1 * k), "seed": k} for k in range(8)), epochs=3)
    write_run(here / "runs", 0, 0.975, summary={"test/accuracy": 0.97}, optimizer=momentum(0.7), name="one")
    for width in range(45, 200):
        shown = [line.plain for line in lines(rows(), lambda path: path.name, time.time(), width)]
        assert max(map(len, shown)) <= width
        words = " ".join(shown).split()
        assert {"2026-11-25_09-17-46", "one", "optimizer.lr=0.7", "97.50", "optimizer=momentum"} <= set(words)
    assert "97.00" in words and "differs from the defaults" in shown[0]
    assert max(map(len, lines(rows(), str, 0.0, 10))) < ROOM + 40  # no endless lines, whatever the width


def test_what_a_stranger_writes_does_not_steer_the_terminal(here, capsys):
    write_run(here / "runs", 0, dataset="\x1b[2Jevil", optimizer={"name": "\x1b[31m", "lr": 1}, name="x")
    assert main([]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_there_are_thirty_rows_unless_more_are_wanted(here, capsys):
    for seed in range(33):
        write_run(here / "runs", seed)
    assert main([]) == 0
    out = capsys.readouterr().out
    assert len(names(out)) == 30 + 1 and "3 more: --limit 0 shows all" in out
    assert len(listed(capsys, "--limit", "0")) == 33
    assert main(["--limit", "2", "--reverse"]) == 0
    assert "seed=1" in capsys.readouterr().out.splitlines()[3]


# -- choosing


@pytest.fixture
def several(here):
    write_run(here / "runs", 0, 0.91, name="plain", optimizer=sgd(0.2))
    write_run(here / "runs", 1, 0.95, name="fast", optimizer=momentum(0.5), dataset="digits")
    write_run(here / "runs", 2, None, name="lost", optimizer=sgd(3.0), status="diverged")
    write_run(here / "runs", 3, 0.93, name="deep", optimizer=sgd(0.2), model={"name": "mlp", "hidden": [128, 64]})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["optimizer=sgd"], "plain lost deep"),
        (["optimizer=sgd,momentum", "--status", "completed"], "plain fast deep"),
        (["optimizer.lr=0.20"], "plain deep"),
        (["seed=1,2"], "fast lost"),
        (["--status", "diverged,failed"], "lost"),
        (["status=diverged"], "lost"),
        (["--dataset", "digits"], "fast"),
        (["model.hidden=[128,64]"], "deep"),
        (["model.hidden=[128],[128,64]", "optimizer=sgd"], "plain lost deep"),
        (["optimizer.beta=0.9"], "fast"),
    ],
    ids=str,
)
def test_settings_choose_runs(several, capsys, words, expected):
    assert sorted(listed(capsys, *words)) == sorted(expected.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "deep lost fast plain"),
        (["--reverse"], "plain fast lost deep"),
        (["--sort", "name"], "deep fast lost plain"),
        (["--sort", "valid"], "fast deep plain lost"),
        (["--sort", "valid/accuracy", "--reverse"], "plain deep fast lost"),
        (["--sort", "optimizer.lr"], "deep plain fast lost"),
        (["--sort", "status"], "deep fast plain lost"),
        (["--sort", "optimizer.beta"], "fast deep lost plain"),
    ],
    ids=str,
)
def test_rows_are_sorted_what_has_no_value_last(several, capsys, words, expected):
    assert listed(capsys, *words) == expected.split()


MISTAKES = [
    (["optimzer=sgd"], "optimzer=sgd: no run has the key optimzer; did you mean optimizer?"),
    (["--status", "done"], "there is no status done. Choose from: running, completed"),
    (
        ["--sort", "vlid"],
        "--sort vlid: no run has such a value; did you mean valid? Columns: age, name, status, dataset, valid,",
    ),
    (["--limit", "-1"], "-1 is no number of rows: give 0 or more"),
    (["--limit", "few"], "few is no number of rows: give 0 or more"),
    (["--sorted"], "unrecognized arguments: --sorted; did you mean --sort? See train runs --help."),
    (["--json", "-", "--csv", "-"], "--csv and --json can't both go to stdout"),
    (["--json", "nowhere/x.json"], "nowhere/x.json cannot be written: No such file or directory."),
    (["--status", "failed", "--status", "diverged"], "--status is given twice"),
    (["nowhere"], "nowhere does not exist; give directories that hold runs"),
]


@pytest.mark.parametrize(("words", "sentence"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_one_sentence_and_exit_2(several, capsys, words, sentence):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("train runs: ") and captured.err.count("\n") == 1
    assert sentence in captured.err


def test_without_runs_it_says_so(here, capsys):
    (here / "runs").mkdir()
    assert main([]) == 2
    assert capsys.readouterr().err == "train runs: No runs below runs; `train` writes one.\n"


def test_settings_that_no_run_has_are_answered_with_those_there_are(several, capsys):
    assert main(["optimizer=adam", "seed=1"]) == 0
    assert capsys.readouterr().out == "None of 4 runs has optimizer=adam seed=1. optimizer is one of: sgd, momentum.\n"


def test_a_directory_may_be_called_like_a_setting(here, capsys):
    write_run(here / "optimizer=sgd", 0, name="x")
    assert listed(capsys, "optimizer=sgd") == ["x"]


# -- files


def test_files_have_every_run_in_full_whatever_the_table_shows(several, here, capsys):
    sweep(here / "runs/s", *({"seed": seed, "optimizer": sgd(0.2)} for seed in range(2)), epochs=10)
    assert main(["--json", "a.json", "--csv", "a.csv", "--limit", "1", "optimizer=sgd", "--sort", "valid"]) == 0
    found = json.loads((here / "a.json").read_text())
    assert [Path(row["directory"]).name for row in found] == ["deep", "plain", "b", "a", "lost"]
    by_name = {Path(row["directory"]).name: row for row in found}
    assert by_name["b"]["sweep"] == "runs/s" and by_name["b"]["seed"] == 1 and by_name["deep"]["sweep"] is None
    assert by_name["deep"]["changes"] == ["epochs=2", "model.hidden=[128,64]"]
    assert by_name["lost"]["valid/accuracy"] is None and by_name["deep"]["valid/accuracy"] == 0.93
    with (here / "a.csv").open(newline="") as file:
        lines_of = list(csv.DictReader(file))
    assert [row["directory"] for row in lines_of] == [row["directory"] for row in found]
    assert {row["changes"] for row in lines_of} >= {"epochs=2 model.hidden=[128,64]", ""}


def test_a_dash_is_stdout_and_nothing_else_is_there(several, capsys):
    assert main(["--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 4
    assert main(["--csv", "-", "--status", "diverged"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["directory"] == "runs/lost"
    assert main(["--json", "-", "seed=77"]) == 0
    assert json.loads(capsys.readouterr().out) == []
