"""One run from the command to its directory: every file of the contract, every key, every exit code."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import yaml
from commands import TINY, Command, rows, same_bits, summary, train, until
from stopping import go
from subjects import experiment, tiny, varied
from torch import nn

from trainer import Experiment, load_model
from trainer.data.loading import load
from trainer.data.tensors import on_device
from trainer.engine.evaluation import evaluate
from trainer.experiment import GROUPS
from trainer.identity import FORMAT

DATA = tiny()
FILES = {
    "config.yaml",
    "metrics.jsonl",
    "summary.json",
    "checkpoint.pt",
    "best.pt",
    "model.pt",
    "hits.npz",
    "train.log",
    ".hydra",
}
LAYERS = ("linear1", "linear2")
TRAINING = {"train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "lr", "grad_norm", "clipped_fraction"} | {
    f"{norm}/{layer}" for norm in ("grad_norm", "weight_norm", "update_ratio") for layer in LAYERS
}
TEST = {"test/loss", "test/accuracy"}
FACTS = {
    *(
        "format",
        "status",
        "dataset",
        "seed",
        "epochs",
        "steps",
        "train_seconds",
        "stack",
        "wall_seconds",
        "samples_per_second",
    ),
    *(
        "dataset_digest",
        "parameters",
        "guessing",
        "device",
        "threads",
        "best_epoch",
        "stopped_epoch",
        "best/valid/accuracy",
        "steps_to_target",
        "samples_to_target",
    ),
    *("seconds_to_target", "clipped_fraction", "error", "versions", "processor", "overrides", "process", "clock"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where one run has been trained."""
    directory = tmp_path_factory.mktemp("run")
    words = ("epochs=3", "name=run", "seed=7", "clip=grad", "target=0.05", "optimizer=momentum", "optimizer.lr=0.5")
    assert train(directory, *TINY, *words).end() == 0
    return directory


def test_the_files(place):
    names = {path.name for path in (place / "runs/run").iterdir()}
    assert {name for name in names if not name.startswith("events.out.tfevents.")} == FILES
    assert len(names) == len(FILES) + 1 and [path.name for path in (place / "runs").iterdir()] == ["run"]


def test_the_summary(place):
    found = summary(place / "runs/run")
    assert found.keys() == FACTS | TRAINING | TEST
    expected = {
        "status": "completed",
        "dataset": "synthetic",
        "seed": 7,
        "epochs": 3,
        "steps": 12,
        "stack": 1,
        "error": None,
    }
    assert {key: found[key] for key in expected} == expected
    assert found["parameters"] == 48 * 8 + 8 + 8 * 10 + 10 and (found["device"], found["threads"]) == ("cpu", 1)
    assert 0 < found["train_seconds"] < found["wall_seconds"]
    assert found["samples_per_second"] == pytest.approx(3 * 240 / found["train_seconds"])
    assert set(found["versions"]) >= {"python", "train", "torch", "numpy", "hydra"}
    assert "optimizer=momentum" in found["overrides"] and "seed=7" in found["overrides"]
    records = rows(place / "runs/run")
    assert {name: found[name] for name in TRAINING | TEST if name != "clipped_fraction"} == {
        name: records[-1][name] for name in TRAINING | TEST if name != "clipped_fraction"
    }
    accuracies = [record["valid/accuracy"] for record in records]
    assert (
        found["best/valid/accuracy"] == max(accuracies) and found["best_epoch"] == accuracies.index(max(accuracies)) + 1
    )
    reached = next(record for record in records if record["valid/accuracy"] >= 0.05)
    assert (found["steps_to_target"], found["samples_to_target"]) == (reached["step"], reached["step"] * 60)
    assert 0 < found["seconds_to_target"] <= found["train_seconds"]


def test_clipped_fraction_is_that_of_the_whole_run(tmp_path):
    e = experiment(
        clip={"name": "grad", "threshold": 0.9}, epochs=4, record_every=3, optimizer={"name": "sgd", "lr": 0.5}
    )
    go(tmp_path, e, DATA)
    steps = [0, *(row["step"] for row in rows(tmp_path))]
    spans = [now - then for then, now in pairwise(steps)]
    clipped = sum(row["clipped_fraction"] * span for row, span in zip(rows(tmp_path), spans, strict=True))
    assert summary(tmp_path)["clipped_fraction"] == pytest.approx(clipped / 16) and 0 < clipped < 16
    go(tmp_path / "none", experiment(), DATA)
    assert summary(tmp_path / "none")["clipped_fraction"] is None


def test_the_records(place):
    lines = [json.loads(line) for line in (place / "runs/run/metrics.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 4), (2, 8), (3, 12)]
    where = {"epoch", "step", "seconds"}
    assert [line.keys() - TRAINING for line in lines] == [where, where, where | TEST]
    assert all(line.keys() >= TRAINING for line in lines)
    assert 0 < lines[0]["seconds"] < lines[1]["seconds"] < lines[2]["seconds"]


def test_the_configuration_is_enough_to_run_it_again(place, tmp_path):
    config = yaml.safe_load((place / "runs/run/config.yaml").read_text())
    e = Experiment.from_dict(config)
    assert {"format": FORMAT, **e.to_dict()} == config and config["optimizer"] == {
        "name": "momentum",
        "lr": 0.5,
        "beta": 0.9,
        "weight_decay": 0.0,
    }
    go(tmp_path, e, on_device(load(e.dataset), torch.device("cpu")))
    same_bits(place / "runs/run", tmp_path)
    hydra = {path.name for path in (place / "runs/run/.hydra").iterdir()}
    assert hydra == {"config.yaml", "hydra.yaml", "overrides.yaml"}


@pytest.mark.parametrize("dropout", GROUPS["dropout"])
@pytest.mark.parametrize("word", GROUPS["normalization"])
def test_anyone_can_use_the_model(word, dropout, tmp_path):
    """A plain Sequential of torch's own modules, whose logits are those of the training's evaluation."""
    model = {"name": "mlp", "hidden": [37, 21], "activation": "tanh"}
    normalization = varied("normalization", word, 1)
    e = experiment(normalization=normalization, dropout=varied("dropout", dropout, 1), model=model, optimizer="adam")
    run = go(tmp_path, e, DATA)
    plain = nn.Sequential(*(eval(f"nn.{layer}") for layer in layers(word, dropout, normalization)))
    plain.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    loaded = load_model(tmp_path)
    assert [type(a) for a in loaded] == [type(a) for a in plain] and not loaded.training
    images, labels = DATA.valid.images[:, : DATA.features], DATA.valid.labels
    logits = plain.eval()(images).detach()
    assert torch.equal(logits, loaded(images).detach())
    loss, correct, _ = evaluate(run.training.chunks.steps[0].network, DATA.valid, DATA.features)
    assert int(correct) == int((logits.argmax(1) == labels).sum())
    torch.testing.assert_close(
        loss[0, 0], nn.functional.cross_entropy(logits, labels, reduction="sum"), rtol=1e-5, atol=1e-4
    )


def layers(word: str, dropout: str, rule: dict[str, float]) -> list[str]:
    """The network 50-37-21-10 in torch's words."""
    found, sizes = ["Flatten()"], [50, 37, 21]
    if dropout != "none":
        found.append("Dropout()")
    eps = rule.get("eps")
    for inputs, outputs in pairwise(sizes):
        norms = {"batch": f"BatchNorm1d({outputs}, eps={eps})", "layer": f"LayerNorm({outputs}, eps={eps})"}
        before = [f"BatchNorm1d({inputs}, eps={eps}, affine=False)"] if word == "batch_article" else []
        after = [norms[word]] if word in norms else []
        found += [
            *before,
            f"Linear({inputs}, {outputs})",
            *after,
            "Tanh()",
            *(["Dropout()"] if dropout != "none" else []),
        ]
    return [*found, "Linear(21, 10)"]


def test_no_epochs_write_and_evaluate_the_initial_network(tmp_path):
    assert train(tmp_path, *TINY, "epochs=0", "name=run", "seed=3").end() == 0
    (row,) = rows(tmp_path / "runs/run")
    assert row.keys() == {"epoch", "step", "valid/loss", "valid/accuracy"} | TEST and (row["epoch"], row["step"]) == (
        0,
        0,
    )
    found = summary(tmp_path / "runs/run")
    assert (found["status"], found["epochs"], found["best_epoch"]) == ("completed", 0, 0)
    torch.manual_seed(0)
    weights = torch.load(tmp_path / "runs/run/model.pt", weights_only=True)
    assert weights["1.weight"].shape == (8, 48) and weights["1.weight"].abs().max() <= 48**-0.5
    assert load_model(tmp_path / "runs/run")(torch.zeros(5, 48)).shape == (5, 10)


def test_a_directory_that_vanishes_is_a_crash_in_a_sentence(tmp_path):
    run = Command(tmp_path, *TINY, "epochs=100000", "name=run", "checkpoint.epochs=1")
    until(lambda: len(rows(tmp_path / "runs/run")) > 2)
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    assert run.end() == 1 and "Traceback" not in run.err
    assert run.err.startswith("train: crashed: a file in runs/run can't be written: No such file or directory. ")


def test_too_little_memory_is_said_in_a_sentence(tmp_path):
    run = train(tmp_path, *TINY, "model.hidden=[4000000]", "name=run", memory=2**29)
    assert run.end() == 1 and run.err.startswith("train: the run can't begin: ") and run.err.count("\n") == 1
    assert list((tmp_path / "runs").iterdir()) == []


def test_eight_started_at_once_have_eight_directories(tmp_path):
    """In the same second, without a name and with the same one."""
    for name in ([], ["name=same"]):
        before = set((tmp_path / "runs").iterdir()) if (tmp_path / "runs").exists() else set()
        commands = [Command(tmp_path, *TINY, "epochs=1", f"seed={seed}", *name) for seed in range(8)]
        assert [command.end() for command in commands] == [0] * 8
        made = set((tmp_path / "runs").iterdir()) - before
        assert len(made) == 8 and sorted(summary(path)["seed"] for path in made) == list(range(8))
    assert {path.name for path in made} == {"same", *(f"same-{n}" for n in range(2, 9))}


def test_a_directory_with_a_run_in_it_is_never_overwritten(tmp_path):
    from trainer.run.run import run_single
    from trainer.run.stack_run import Job

    go(tmp_path, experiment(), DATA, stop=2)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert run_single(Job(experiment(), tmp_path)) == 2
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_can_not_begin_leaves_nothing_but_what_was_there(tmp_path):
    from trainer.run.run import run_single
    from trainer.run.stack_run import Job

    e = Experiment(dataset={"name": "mnist", "root": str(tmp_path / "none"), "fallback": None}, device="cuda:99")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    (tmp_path / "fresh/.hydra").mkdir(parents=True)
    assert [run_single(Job(e, tmp_path / name)) for name in ("mine", "fresh")] == [2, 2]
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "notes.txt"]


def test_the_log(place):
    lines = (place / "runs/run/train.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines) and len(lines) == 5
    assert lines[0].endswith("started on cpu, step 0") and lines[-1].endswith("completed after 12 updates")
