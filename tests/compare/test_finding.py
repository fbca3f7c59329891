"""Where `train compare` looks for runs: behind links too, each once; what is left out, or missing, is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from compare_runs import write_group, write_run

from trainer.compare.command import main
from trainer.compare.comparison import compare
from trainer.compare.finding import find_runs
from trainer.compare.options import Options
from trainer.errors import CompareError


def names(*roots: Path) -> list[str]:
    return sorted(run.directory.name for run in find_runs(roots)[0])


def test_links_to_runs_and_to_folders_of_runs_are_followed(tmp_path):
    write_run(tmp_path / "elsewhere/deep", 0, name="a")
    write_run(tmp_path / "elsewhere", 1, name="b")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/one").symlink_to(tmp_path / "elsewhere/b")
    assert names(tmp_path / "runs") == ["one"]
    (tmp_path / "runs/all").symlink_to("../elsewhere")
    assert len(names(tmp_path / "runs")) == 2
    (tmp_path / "link").symlink_to("runs")
    assert len(names(tmp_path / "link")) == 2


def test_each_run_counts_once_and_circles_end(tmp_path):
    run = write_run(tmp_path / "runs", 0, name="a")
    (run / "itself").symlink_to(run)
    (run / "up").symlink_to("..")
    (tmp_path / "runs/again").symlink_to(run)
    (tmp_path / "runs/disk").symlink_to("/")
    (tmp_path / "runs/gone").symlink_to("nowhere")
    (tmp_path / "runs/x").symlink_to("x")
    assert len(names(tmp_path / "runs", tmp_path / "runs", run)) == 1


def test_a_stray_file_among_the_directories_is_left_out_with_a_sentence(tmp_path, monkeypatch, capsys):
    write_group(tmp_path / "runs", [0.9, 0.91])
    (tmp_path / "runs/notes.txt").write_text("nothing")
    monkeypatch.chdir(tmp_path)
    assert main([str(path) for path in sorted(Path("runs").iterdir())]) == 0
    assert "Skipped runs/notes.txt: it is not a directory." in capsys.readouterr().err
    with pytest.raises(CompareError, match=r"runs/notes\.txt is not a directory; give directories that hold runs"):
        find_runs([Path("runs/notes.txt")])
    with pytest.raises(CompareError, match="runs/nothing does not exist"):
        find_runs([Path("runs"), Path("runs/nothing")])


def test_a_run_of_a_sweep_that_is_missing_is_mentioned(tmp_path):
    for seed in range(2):
        write_run(tmp_path, seed, name=f"seed={seed}")
    (tmp_path / "sweep.json").write_text(json.dumps({"cells": [{"name": f"seed={seed}"} for seed in range(9)]}))
    (sentence,) = compare([tmp_path], Options()).warnings
    assert sentence == (
        f"{tmp_path}: 7 of the 9 runs of this sweep are missing: seed=2, seed=3, seed=4, seed=5, seed=6, …."
    )
    assert compare([tmp_path / "seed=0"], Options()).warnings == []


def test_other_data_under_the_same_name_are_another_data_set(tmp_path):
    for digest in ("a" * 16, "b" * 16):
        for seed in range(2):
            write_run(tmp_path, seed, dataset="files", summary={"dataset_digest": digest})
    write_run(tmp_path, 0, dataset="digits", summary={"dataset_digest": "c" * 16})
    tables = compare([tmp_path], Options()).tables
    assert sorted(table.dataset for table in tables) == ["digits", "files aaaaaaaa", "files bbbbbbbb"]


# Strangers' directories

DEEP = "[" * 100_000
BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
)
CONFIGS = {
    "deep": DEEP,
    "deep blocks": "- " * 100_000,
    "deep lines": "\r".join("- " * i for i in range(1, 300)),
    "nested": "seed: 1\nx: " + "{a: " * 50 + "1" + "}" * 50,
    "aliases": BOMB + "seed: 1\n",
    "many keys": "seed: 1\n" + "".join(f"k{i}: 1\n" for i in range(20_000)),
    "large": "seed: 1\n#" + "x" * 5_000_000,
    "digits": "seed: " + "9" * 5000,
    "digits below the limit of int": "seed: " + "9" * 4000,
    "base 60": "seed: 1" + ":59" * 500,
    "a list for a seed": "seed: [1]",
    "code": "seed: !!python/object/apply:os.getcwd []",
    "a date": "seed: 1\nname: 2024-01-01",
    "keys that are no text": "seed: 1\n? [1, 2]\n: 3",
    "bytes": "\x00\x01",
    "several": "seed: 1\n---\nseed: 2",
}
SUMMARIES = {
    "deep": DEEP,
    "nested": '{"status": "completed", "a": ' + "[" * 500 + "]" * 500 + "}",
    "digits": '{"status": "completed", "valid/accuracy": ' + "9" * 4000 + "}",
    "a list for a status": '{"status": ["completed"]}',
    "a list for a metric": '{"status": "completed", "valid/accuracy": [0.9]}',
    "a text for a metric": '{"status": "completed", "valid/accuracy": "0.9"}',
    "a list for a data set": '{"status": "completed", "dataset": ["mnist"]}',
    "large": '{"status": "completed", "x": "' + "x" * 5_000_000 + '"}',
    "many": '{"status": "completed", "x": [' + "1," * 20_000 + "1]}",
}


@pytest.mark.parametrize(
    ("file", "text"),
    [*(("config.yaml", text) for text in CONFIGS.values()), *(("summary.json", text) for text in SUMMARIES.values())],
    ids=[*(f"config {name}" for name in CONFIGS), *(f"summary {name}" for name in SUMMARIES)],
)
def test_what_a_stranger_sends_is_left_out_and_the_others_are_compared(file, text, tmp_path, capsys):
    write_group(tmp_path, [0.9, 0.91, 0.92])
    stranger = write_run(tmp_path, 9, name="stranger")
    (stranger / file).write_text(text)
    assert main([str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert f"Skipped {stranger / file}: it" in output.err or f"Skipped {stranger / file}: " in output.err
    assert output.err.count("\n") == 1 and "on mnist" in output.out


@pytest.mark.parametrize("file", ["config.yaml", "summary.json", "metrics.jsonl", "hits.npz", "sweep.json"])
@pytest.mark.parametrize("kind", ["fifo", "device", "directory"])
def test_what_is_no_file_is_never_opened(file, kind, tmp_path, capsys):
    """A pipe would be waited for for ever."""
    write_group(tmp_path, [0.9, 0.91, 0.92])
    place = write_run(tmp_path, 9, name="stranger") / file
    if file == "sweep.json":
        place = tmp_path / file
    place.unlink(missing_ok=True)
    {"fifo": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero"), "directory": Path.mkdir}[kind](place)
    assert main([str(tmp_path), "--plot", str(tmp_path / "x.png")]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_metrics_without_an_epoch_are_no_curve(tmp_path, capsys):
    for seed in range(2):
        run = write_run(tmp_path, seed)
        lines = ['{"valid/accuracy": 1}', "[" * 100_000, '{"epoch": [1], "valid/accuracy": 0.5}', '{"epoch": 1e999}']
        (run / "metrics.jsonl").write_text(lines[seed] + "\n" + "\n".join(lines))
    assert main([str(tmp_path), "--plot", str(tmp_path / "x.png")]) == 0
