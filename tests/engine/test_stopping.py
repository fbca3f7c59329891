"""Runs that stop early in a stack: the bits they have alone, their neighbours untouched, tested when they leave."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from subjects import experiment, outcome, tensors, tiny

from trainer.data.tensors import Tensors
from trainer.engine.loop import Training
from trainer.engine.state import State, initial_state
from trainer.records import Record, Status
from trainer.sweep.prune import halving

DATA = tiny()  # four updates an epoch
RULES: tuple[Any, ...] = (
    {"name": "patience", "epochs": 2},
    "none",
    {"name": "target", "accuracy": 0.9},
    {"name": "patience", "epochs": 1, "metric": "valid/loss"},
    {"name": "patience", "epochs": 3, "delta": 0.1},
)
STACK = [
    experiment(
        seed=seed, optimizer={"name": "adam", "lr": 0.01 * (1 + 9 * (seed == 3))}, stop=rule, epochs=12, dropout="half"
    )
    for seed, rule in enumerate(RULES)
]


def ended(records: list[Record]) -> float:
    assert [record.status for record in records] == [Status.RUNNING] * (len(records) - 1) + [Status.COMPLETED]
    return records[-1].epoch


@pytest.fixture(scope="module")
def stacked():
    return outcome(STACK, DATA)


def test_each_run_stops_where_its_own_records_say(stacked):
    epochs = [ended(records) for records in stacked.records]
    assert epochs[1] == 12 and len(set(epochs)) >= 4 and max(epochs[:1] + epochs[2:]) < 12
    for records, e in zip(stacked.records, STACK, strict=True):
        values = [record.metrics[e.stop.metric] for record in records]
        if e.stop.name == "target":
            assert [value >= 0.9 for value in values] == [False] * (len(values) - 1) + [True]
        elif e.stop.name == "patience" and not e.stop.delta:
            sign = 1 if e.stop.metric == "valid/accuracy" else -1
            best = max(range(len(values)), key=lambda n: sign * values[n])
            assert len(values) - 1 - best == e.stop.epochs


@pytest.mark.parametrize("run", range(len(STACK)))
def test_a_run_in_a_stack_has_the_bits_and_records_it_has_alone(stacked, run):
    alone = outcome([STACK[run]], DATA)
    assert alone.records[0] == stacked.records[run]
    for one, other in zip(alone.tensors(0), stacked.tensors(run), strict=True):
        assert torch.equal(one, other)
    one, other = alone.training.of(0), stacked.training.of(run)
    assert torch.equal(one.best, other.best) and torch.equal(one.waited, other.waited)


def test_until_it_stops_a_run_is_the_run_that_does_not_stop(stacked):
    whole = outcome([dataclasses.replace(e, stop="none") for e in STACK], DATA)
    for records, longer in zip(stacked.records, whole.records, strict=True):
        *before, last = records
        assert before == longer[: len(before)]
        same = longer[len(before)].metrics
        assert {name: value for name, value in last.metrics.items() if name in same} == same


@pytest.mark.parametrize("run", [0, 2])
def test_records_between_the_ends_of_epochs_stop_nothing(stacked, run):
    finer = outcome([dataclasses.replace(STACK[run], record_every=1)], DATA).records[0]
    assert len(finer) == 4 * len(stacked.records[run]) and finer[-1].epoch == stacked.records[run][-1].epoch


def test_test_images_are_judged_once_at_the_end_of_each_run(stacked):
    for run, records in enumerate(stacked.records):
        assert ["test/accuracy" in record.metrics for record in records] == [False] * (len(records) - 1) + [True]
        hits = stacked.training.final_hits(run)
        for split in ("valid", "test"):
            assert hits[split].float().mean().item() == pytest.approx(records[-1].metrics[f"{split}/accuracy"])


def test_a_run_that_waits_to_the_last_epoch_ends_there_like_any_other():
    """Patience runs out with the last epoch: nothing is early."""
    e = dataclasses.replace(STACK[0], epochs=int(ended(outcome([STACK[0]], DATA).records[0])))
    found = outcome([e], DATA)
    assert found.records[0][-1].epoch == e.epochs and found.training.left == {}


def test_a_state_that_has_stopped_makes_no_update_more(stacked):
    states = [stacked.training.of(run) for run in range(len(STACK))]
    assert stacked.training.alive == [1]
    for run in (0, 2, 3, 4):
        training = Training([STACK[run]], DATA, states[run])
        assert training.finished == {0}
        hits = training.final_hits(0)
        assert all(torch.equal(hits[split], stacked.training.final_hits(run)[split]) for split in ("valid", "test"))
        assert list(training) == [] and training.step == states[run].step


@pytest.mark.parametrize("step", range(1, 16))
def test_a_stack_goes_on_from_any_update(stacked, step):
    first = Training(STACK, DATA)
    for _ in first:
        if first.step == step:
            break
    alive = list(first.alive)
    second = Training([STACK[run] for run in alive], DATA, first.state.copy())
    last = {record.run: record for records in second for record in records}
    for place, run in enumerate(alive):
        wanted = stacked.records[run][-1]
        found = dataclasses.replace(last[place], seconds=0, run=0)
        assert found == wanted
        for one, other in zip(tensors(second.of(place)), stacked.tensors(run), strict=True):
            assert torch.equal(one, other)


def test_halving_ranks_the_runs_that_still_train():
    """Stopped runs are complete, and compete no more."""
    runs = [dataclasses.replace(STACK[1], seed=seed, stop={"name": "target", "accuracy": 0.6}) for seed in range(8)]
    training = Training(runs, DATA, prune=halving)
    ends: dict[int, Record] = {}
    for records in training:
        ends |= {record.run: record for record in records if record.status != Status.RUNNING}
    assert {record.status for record in ends.values()} == {Status.COMPLETED, Status.PRUNED} and len(ends) == 8
    early = [record for record in ends.values() if record.status == Status.COMPLETED and record.epoch < 12]
    assert early and all(
        record.metrics["valid/accuracy"] >= 0.6 and "test/accuracy" in record.metrics for record in early
    )
    assert all("test/accuracy" not in record.metrics for record in ends.values() if record.status == Status.PRUNED)


def test_a_run_that_diverges_where_it_would_stop_has_diverged():
    stop = {"name": "patience", "epochs": 1, "metric": "valid/loss"}  # a NaN is never better
    wild = dataclasses.replace(STACK[1], optimizer={"name": "adam", "lr": 1e38}, stop=stop)
    found = outcome([wild, STACK[1]], DATA)
    assert [record.status for record in found.records[0]] == [Status.DIVERGED] and found.records[0][0].epoch == 1
    alone = outcome([STACK[1]], DATA)
    assert all(torch.equal(one, other) for one, other in zip(alone.tensors(0), found.tensors(1), strict=True))


def test_who_does_not_stop_remembers_nothing():
    found = outcome([STACK[1]], DATA).training.state
    fresh = initial_state([STACK[1]], Training([STACK[1]], DATA).layout)
    assert torch.equal(found.best, fresh.best) and torch.equal(found.waited, fresh.waited)


def test_data_without_validation_images_never_stop_a_run():
    without: Tensors = tiny(held_out=0)
    assert ended(outcome([STACK[0]], without).records[0]) == 12


def test_columns_of_the_state_follow_their_runs():
    state: State = Training(STACK, DATA).state
    state.best.copy_(torch.arange(5.0).unsqueeze(1))
    assert state.rows([4, 1]).best.flatten().tolist() == [4.0, 1.0]
