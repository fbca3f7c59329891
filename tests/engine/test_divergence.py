"""A run that goes to NaN: stopped at the next record, its last finite state kept, its neighbours as if nothing had been."""

from __future__ import annotations

import json
import re

import pytest
import torch
from commands import TINY, rows, same_bits, summary, train
from stopping import Nobody, go
from subjects import experiment, tiny

from trainer import load_model
from trainer.run import checkpoint
from trainer.run.stack_run import Job, StackRun

DATA = tiny()
WILD = {"optimizer": {"name": "heavy_ball", "lr": 1e30}}


def finite(directory, name: str) -> bool:
    content = torch.load(directory / name, weights_only=True)
    return all(bool(t.isfinite().all()) for t in content.values() if isinstance(t, torch.Tensor))


def test_the_command_says_where_and_what_helps(tmp_path):
    """The initial values are those of a vanishing-and-exploding experiment."""
    words = ("model.init=normal", "model.init_scale=1", "optimizer.lr=1e38", "epochs=5", "name=run")
    run = train(tmp_path, *TINY, *words)
    assert run.end() == 3 and "Traceback" not in run.out + run.err
    said = " ".join(run.out.split())
    assert "diverged on synthetic after 4 updates" in said
    assert (
        "A loss or a parameter was NaN or infinite at update 4. Likely cures: a lower rate (optimizer.lr=1e+37" in said
    )
    assert "clip=grad" in said
    found, directory = summary(tmp_path / "runs/run"), tmp_path / "runs/run"
    assert (found["status"], found["steps"], found["best_epoch"], found["best/valid/accuracy"]) == (
        "diverged",
        4,
        None,
        None,
    )
    assert found["valid/loss"] is None  # no NaN in JSON
    state = checkpoint.load(directory).state
    assert state.step == 0 and checkpoint.is_finite(state)
    assert finite(directory, "model.pt") and not (directory / "best.pt").exists()
    assert load_model(directory)(torch.zeros(1, 48)).isfinite().all()
    again = train(tmp_path, "resume", "runs/run")
    assert again.end() == 2 and re.match("train: runs/run diverged, and would again: ", again.err)


def test_the_last_finite_record_is_kept(tmp_path):
    """Diverges in its third epoch: the checkpoint is of the second, the best of before."""
    e = experiment(epochs=6, optimizer={"name": "sgd", "lr": 0.05})
    run = StackRun([Job(e, tmp_path)], DATA)
    spoil(run, 9)
    found = run.summaries()[0]
    assert (found["status"], found["steps"], found["epochs"]) == ("diverged", 12, 3)
    assert checkpoint.load(tmp_path).state.step == 8
    assert [row["step"] for row in rows(tmp_path)] == [4, 8, 12] and rows(tmp_path)[-1]["valid/loss"] is None
    assert found["best_epoch"] in (1, 2) and finite(tmp_path, "best.pt") and finite(tmp_path, "model.pt")


def spoil(run: StackRun, step: int) -> None:
    """Train; after an update a weight of run 0 becomes NaN, as by a bad update."""

    def stopped() -> None:
        if run.training.state.step == step and 0 in run.training.alive:
            run.training.state.theta[0, 0] = float("nan")

    run.train(Nobody(), stopped)


@pytest.mark.parametrize("stop", [None, "interrupted"])
def test_no_checkpoint_of_a_diverged_state_between_records(tmp_path, stop):
    """Saved or interrupted after the NaN came and before the record that finds it: the last finite state is what is kept."""
    run = StackRun([Job(experiment(epochs=6, checkpoint={"seconds": 1e-9}), tmp_path)], DATA)
    run.save_took = 0.0

    def stopped() -> str | None:
        if run.training.state.step == 9:
            run.training.state.theta[0, 0] = float("nan")
        if run.training.state.step == 10:
            run.save()
            assert checkpoint.load(tmp_path).state.step == 8
            return stop
        return None

    run.train(Nobody(), stopped)
    state = checkpoint.load(tmp_path).state
    assert state.step == 8 and checkpoint.is_finite(state) and finite(tmp_path, "model.pt")
    assert run.summaries()[0]["status"] == (stop or "diverged")


def test_neighbours_in_the_stack_are_untouched(tmp_path):
    stack = [experiment(seed=0), experiment(seed=1, **{"optimizer": {"name": "sgd", "lr": 1e30}}), experiment(seed=2)]
    places = [tmp_path / f"stacked{seed}" for seed in range(3)]
    run = go(places, stack, DATA)
    assert [s["status"] for s in run.summaries()] == ["completed", "diverged", "completed"]
    for seed in (0, 2):
        go(tmp_path / f"alone{seed}", stack[seed], DATA)
        (places[seed] / "summary.json").write_text(json.dumps(summary(places[seed]) | {"stack": 1}))
        same_bits(tmp_path / f"alone{seed}", places[seed])


def test_a_lucky_guess_of_a_diverged_network_is_not_the_best(tmp_path):
    """All logits NaN: the first class is guessed, and a tenth of the images are right."""
    run = go(tmp_path, experiment(target=0.01, **WILD), DATA)
    found = run.summaries()[0]
    assert found["status"] == "diverged" and found["valid/accuracy"] is not None
    assert found["best/valid/accuracy"] is None and found["steps_to_target"] is None


def test_weights_that_are_infinite_from_the_start(tmp_path):
    """Nothing finite to keep: said, and no exception."""
    model = {"name": "mlp", "hidden": [37], "init": "normal", "init_scale": 1e38}
    run = go(tmp_path, experiment(model=model), DATA)
    assert run.summaries()[0]["status"] == "diverged"
