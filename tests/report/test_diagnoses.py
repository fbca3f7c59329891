"""Diagnoses, on real small runs: right where a fault was planted, and silent on healthy ones."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from commands import TINY, train

from trainer.data.loading import load
from trainer.data.tensors import on_device
from trainer.engine.devices import resolve
from trainer.engine.loop import Training
from trainer.experiment import GROUPS, Experiment
from trainer.records import Status
from trainer.report import symptoms
from trainer.report.diagnoses import diagnose
from trainer.report.files import as_row
from trainer.report.history import Guess, History, guess
from trainer.run.guessing import guessing

DEEP = {"name": "mlp", "hidden": [128] * 5}
VANISHING = DEEP | {"activation": "sigmoid", "init": "normal", "init_scale": 0.05}  # experiment=vanishing
EXPLODING = DEEP | {"init": "normal", "init_scale": 0.5}  # experiment=exploding
OPTIMIZERS = [word for word in GROUPS["optimizer"] if word != "batch_gd"]


@cache
def data_of(word: str) -> Any:
    return on_device(load(Experiment(dataset=word).dataset), resolve("cpu"))


def history(dataset: str = "digits", **keys: Any) -> History:
    """A real run in memory, as its directory would tell it."""
    experiment, data = Experiment(dataset=dataset, device="cpu", threads=1, **keys), data_of(dataset)
    records = [record for batch in Training([experiment], data) for record in batch]
    rows = json.loads(json.dumps([as_row(record) for record in records]))
    last = {name: value for row in rows for name, value in row.items() if "/" in name}
    accuracies = [row["valid/accuracy"] for row in rows]
    fractions = [row["clipped_fraction"] for row in rows if "clipped_fraction" in row]
    summary = last | {
        "status": str(records[-1].status),
        "steps": records[-1].step,
        "guessing": guessing(data),
        "best/valid/accuracy": max(accuracies),
        "clipped_fraction": sum(fractions) / len(fractions) if fractions else None,
    }
    return History(experiment, summary, rows)


def names(run: History) -> list[str]:
    return [diagnosis.name for diagnosis in diagnose(run)]


def advice(run: History) -> str:
    return " ".join(str(diagnosis) for diagnosis in diagnose(run))


def rate(optimizer: str, factor: float) -> dict[str, Any]:
    """An optimizer at a multiple of its default rate."""
    return {"name": optimizer, "lr": factor * GROUPS["optimizer"][optimizer].lr}


# --- healthy runs ---


@pytest.mark.parametrize("dataset", ["digits", "synthetic"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_at_its_default_is_healthy(dataset, optimizer):
    run = history(dataset, optimizer=optimizer)
    assert advice(run) == "" and run.summary["valid/accuracy"] > 0.75


@pytest.mark.parametrize(
    "keys",
    [
        *({"normalization": word} for word in GROUPS["normalization"]),
        *({"decay": word} for word in GROUPS["decay"]),
        {"dropout": "half"},
        {"clip": "weight"},
        {"clip": {"name": "grad", "threshold": 2.0}},
        {"model": {"name": "mlp", "hidden": []}},
        {"model": DEEP | {"activation": "tanh"}},
        {"model": DEEP | {"init": "he"}, "optimizer": "adam"},
        {"model": VANISHING, "normalization": "batch"},
        {"record_every": 3},
        {"optimizer": rate("sgd", 0.1)},
        {"optimizer": rate("adam", 10)},
    ],
    ids=str,
)
def test_other_healthy_runs(keys):
    run = history(**keys)
    assert advice(run) == "" and run.summary["valid/accuracy"] > 0.75


# --- planted faults ---


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_vanishing_gradients(optimizer):
    run = history(model=VANISHING, optimizer=optimizer)
    assert names(run) == ["learned nothing", "vanishing gradients"]
    assert "those of linear1 are 1/" in advice(run) and advice(run).endswith("Try normalization=batch.")


def test_vanishing_under_a_normalization_names_another_remedy():
    run = history(model=VANISHING)
    other = dataclasses.replace(run.experiment, normalization="batch")
    assert advice(History(other, run.summary, run.rows)).endswith("Try model.init=xavier.")


def test_exploding_gradients_that_diverge():
    run = history(model=EXPLODING)
    assert names(run) == ["diverged"] and "optimizer.lr=0.02 instead of 0.2" in advice(run)


def test_exploding_gradients_that_a_scale_free_optimizer_survives():
    run = history(model=EXPLODING, optimizer="adam")
    assert names(run) == ["exploding gradients"]
    assert "Try normalization=batch, or clip=grad to bound each step." in advice(run)
    assert symptoms.HUGE > 10 * max(history(optimizer=word).values("grad_norm")[0] for word in ("sgd", "adam"))


def test_exploding_gradients_that_a_clip_holds():
    run = history(model=EXPLODING, clip="grad")
    assert names(run) == ["exploding gradients", "clips too often"] and "or clip=grad" not in advice(run)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dataset", ["digits", "synthetic"])
def test_a_rate_that_is_too_small(dataset, optimizer):
    run = history(dataset, optimizer=rate(optimizer, 1e-4))
    assert names(run) == ["learned nothing", "rate too small"]
    suggested = float(advice(run).partition("Try optimizer.lr=")[2].split()[0])
    better = history(dataset, optimizer={"name": optimizer, "lr": suggested}, epochs=10)
    assert better.summary["valid/accuracy"] > 3 * run.summary["valid/accuracy"]


def test_a_rate_that_crawls_is_too_small_too():
    run = history(optimizer=rate("sgd", 0.01))
    assert names(run) == ["rate too small"] and "Try optimizer.lr=0.02 instead of 0.002" in advice(run)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_rate_that_is_too_large(optimizer):
    run = history(optimizer=rate(optimizer, 1000))
    assert {"dead units", "rate too large"} & set(names(run)) and "instead of" in advice(run)
    assert float(advice(run).partition("ry optimizer.lr=")[2].split()[0]) <= 100 * GROUPS["optimizer"][optimizer].lr


def test_a_rate_that_swings():
    run = history(optimizer=rate("momentum", 1), staleness="fixed")
    assert names(run) == ["rate too large"] and "for gradients that come late" in advice(run)


def test_full_batches_show_a_rate_that_is_too_large_without_any_noise():
    """On few digits the default of batch_gd is too large: the loss of the whole training set climbs."""
    run, lower = history(optimizer="batch_gd"), history(optimizer={"name": "batch_gd", "lr": 0.2})
    assert names(run) == ["rate too large"]
    assert names(lower) == [] and lower.summary["valid/accuracy"] > run.summary["valid/accuracy"]


def test_a_layer_of_dead_units():
    run = history(optimizer=rate("sgd", 10))
    assert names(run) == ["learned nothing", "dead units"]
    assert "No gradient reaches linear1 any more: a whole layer of ReLU units is dead" in advice(run)
    assert "try optimizer.lr=0.2 instead of 2" in advice(run)


def test_too_few_updates():
    assert "10 updates are too few" in advice(history(optimizer={"name": "batch_gd", "lr": 0.005}))


# --- techniques that never acted ---


def test_a_clip_that_clipped_nothing():
    run = history(clip={"name": "grad", "threshold": 100.0})
    assert names(run) == ["clip never acted"]
    assert "clip=grad clipped no gradient in 100 updates (recorded norms go up to 1.89)" in advice(run)
    assert "Lower clip.threshold" in advice(run)


def test_a_clip_that_always_acts():
    run = history(clip={"name": "grad", "threshold": 0.01})
    assert "clips too often" in names(run) and "100 % of all updates" in advice(run)


def test_a_decay_that_never_decays():
    run = history(decay="step", epochs=3)
    assert names(run) == ["decay never acted"] and "it was 0.2 at each record" in advice(run)
    assert names(history(decay="step", epochs=4)) == []


# --- what is not known is not said ---


def test_a_run_before_its_first_update_is_not_judged():
    assert names(history(epochs=0)) == []


def test_without_what_guessing_gets_only_that_is_said_which_needs_none():
    run = history(model=VANISHING)
    older = {key: value for key, value in run.summary.items() if key != "guessing"}
    assert names(History(run.experiment, older, run.rows)) == ["vanishing gradients"]
    assert names(History(run.experiment, {"status": Status.RUNNING, "steps": 0}, ())) == []


@pytest.mark.parametrize(
    "told",
    [None, 7, [], {"valid": 3}, {"valid": {}}, {"valid": {"images": 0, "accuracy": 0.1, "loss": 1}},
     {"valid": {"images": 1, "accuracy": "x", "loss": 1}}, {"valid": {"images": 1, "accuracy": float("nan"), "loss": 1}}],
)  # fmt: skip
def test_a_strangers_summary_can_hold_anything(told):
    assert guess({"guessing": told}, "valid") is None


def test_guessing_is_counted_from_the_labels():
    facts = guessing(data_of("digits"))["valid"]
    labels = data_of("digits").valid.labels.tolist()
    most = max(labels.count(label) for label in set(labels))
    assert facts["images"] == 300 and facts["accuracy"] == most / 300
    assert 2.25 < facts["loss"] < 2.302586  # nearly ln 10: the classes are nearly equal


def test_two_standard_errors_are_allowed():
    chance = Guess(400, 0.5, 0.69)
    assert symptoms.is_chance(0.55, chance) and not symptoms.is_chance(0.5501, chance)


# --- on the screen ---


def test_the_recipe_ends_with_advice(tmp_path: Path):
    command = train(tmp_path, "experiment=vanishing", "dataset=digits", "name=v", "threads=1", "device=cpu")
    assert command.process.exitcode == 0
    assert "Nothing was learned: valid accuracy is 7.67 %, and always" in command.out
    assert "Gradients vanish: those of linear1 are 1/" in command.out and "Try normalization=batch." in command.out
    assert json.loads((tmp_path / "runs/v/summary.json").read_text())["guessing"]["valid"]["images"] == 300


def test_a_resumed_run_is_judged_whole(tmp_path: Path):
    train(tmp_path, *TINY, "epochs=1", "name=r", "optimizer.lr=1e-7")
    resumed = train(tmp_path, "resume", "runs/r", "epochs=30")
    assert "The learning rate is too small: 120 updates together" in resumed.out
