"""Runs that only guess, and clips that never acted, are named in a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commands import TINY, train
from compare_runs import momentum, sgd, write_run
from rich.console import Console

from trainer.compare.command import compare_table
from trainer.compare.comparison import compare
from trainer.compare.documents import latex, markdown
from trainer.compare.export import write_json
from trainer.compare.options import Options

CHANCE = {"valid": {"images": 5000, "accuracy": 0.11, "loss": 2.3}}


def write(root: Path, accuracies: list[float], loss: float = 1.0, **words: Any) -> None:
    for seed, accuracy in enumerate(accuracies):
        write_run(root, seed, accuracy, summary={"valid/loss": loss, "guessing": CHANCE}, **words)


def shown(root: Path) -> str:
    console = Console(width=300, record=True, force_terminal=False)
    assert compare_table(root, console)
    return console.export_text()


def test_groups_that_learned_nothing_are_named_before_the_verdict(tmp_path):
    write(tmp_path, [0.107, 0.109, 0.108], optimizer=sgd())
    write(tmp_path, [0.111, 0.113, 0.112], optimizer=momentum())
    lines = shown(tmp_path).splitlines()
    assert (
        lines[0].startswith("! These runs learned nothing: optimizer=momentum (3 of 3), ")
        and "optimizer=sgd (3 of 3)." in lines[0]
    )
    assert "say nothing about techniques" in lines[0] and sum("learned nothing" in line for line in lines) == 1


def test_documents_and_json_name_them_too(tmp_path):
    write(tmp_path, [0.11, 0.11], optimizer=sgd())
    comparison = compare([tmp_path], Options())
    write_json(comparison, tmp_path / "table.json")
    told = json.loads((tmp_path / "table.json").read_text())["tables"][0]["flags"][0]
    assert told.startswith("These runs learned nothing")
    assert markdown(comparison).startswith("> These runs learned nothing")
    assert latex(comparison).startswith("\\emph{These runs learned nothing")


def test_one_run_of_many_is_counted(tmp_path):
    write(tmp_path, [0.9, 0.11, 0.9], optimizer=sgd())
    assert "(1 of 3)" in shown(tmp_path)


def test_an_untrained_network_is_right_a_little_more_often_than_guessing(tmp_path):
    write(tmp_path, [0.15, 0.15], loss=2.29, optimizer=sgd())
    assert "learned nothing" in shown(tmp_path)


def test_runs_that_learned_are_not_named_nor_those_that_do_not_say(tmp_path):
    write(tmp_path, [0.15, 0.15], loss=2.2, optimizer=sgd())
    write_run(tmp_path, 0, 0.11, optimizer=momentum())  # of an older version
    assert "learned nothing" not in shown(tmp_path)


def test_a_clip_that_never_acted_is_named(tmp_path):
    for seed in range(3):
        write_run(
            tmp_path, seed, 0.9 + seed / 100, clip={"name": "grad", "threshold": 1}, summary={"clipped_fraction": 0}
        )
        write_run(tmp_path, seed, 0.9, clip={"name": "agc", "threshold": 1}, summary={"clipped_fraction": 0.1 * seed})
    text = shown(tmp_path)
    assert "No gradient was clipped in any run of clip=grad: the" in text and "clip=agc:" not in text


def test_a_sweep_of_guessing_networks_says_so_at_its_end(tmp_path):
    sweep = train(tmp_path, "-m", *TINY, "epochs=2", "optimizer.lr=1e-7,2e-7", "seed=0,1", "name=s")
    assert sweep.process.exitcode == 0
    assert "! These runs learned nothing: " in sweep.out and "(2 of 2), " in sweep.out
