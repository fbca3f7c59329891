"""Staleness: τ updates late against plain torch, as drawn, at the edge of stability that theory names, and free where unused."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from oracles import ORACLES, torch_path
from stopping import go
from subjects import experiment, outcome, tensors, tiny
from torch import Tensor

from trainer.engine.delays import Ring, delays
from trainer.engine.loop import Training
from trainer.engine.randomness import draws
from trainer.errors import CheckpointError
from trainer.experiment import GROUPS, Experiment, structure
from trainer.run import checkpoint
from trainer.sweep.plan import parameters, run_bytes
from trainer.techniques.optimizers import OPTIMIZERS
from trainer.techniques.staleness import STALENESSES, Random

DATA = tiny()  # four updates an epoch
LATE = [word for word in GROUPS["staleness"] if word != "none"]


def stale(word: str, updates: int, seed: int = 0, **keys: Any) -> Experiment:
    """Six epochs of four updates; batch_gd makes one an epoch."""
    keys = {"epochs": 6, **keys}
    if keys.get("optimizer") == "batch_gd":
        keys |= {"batch_size": None, "epochs": 24}
    return experiment(seed=seed, staleness={"name": word, "updates": updates}, **keys)


def followed(e: Experiment) -> tuple[list[Tensor], list[Tensor]]:
    """θ before the first update and after each, and the gradient that each made, as the program has them."""
    training, fresh = Training([e], DATA), list[Tensor]()
    step = training.chunks.steps[0]
    plain = step._apply

    def apply() -> None:
        fresh.append(step.g[0].clone())
        plain()

    step._apply = apply  # type: ignore[method-assign]
    path = [training.state.theta[0].clone()]
    for _ in training:
        path.append(training.state.theta[0].clone())
    return path, fresh


@pytest.mark.parametrize("word", LATE)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_torch_optim_on_gradients_of_tau_updates_ago_takes_the_same_path(optimizer, word):
    """24 updates, the ring of 6 around four times. The numbers are float32, a few of its last digits a step."""
    e = stale(word, 5, optimizer=optimizer)
    path, fresh = followed(e)
    late = [t - tau for t, tau in enumerate(delays(e, len(fresh)).tolist())]
    assert word != "fixed" or late == list(range(-5, 19))
    grads = torch.stack([fresh[at] if at >= 0 else torch.zeros_like(fresh[0]) for at in late])
    fields = dataclasses.asdict(e.optimizer)
    expected = torch_path(optimizer, fields, path[0].double(), grads.double())
    for found, wanted in zip(path[1:], expected, strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-5)
    assert (expected[-1] - path[0]).abs().max() > 0.01
    assert set(OPTIMIZERS) == set(ORACLES)


def test_clipping_sees_the_late_gradient_and_the_record_shows_the_new_one():
    """Nothing is clipped before a gradient is due, and the first record has the norm that it has without staleness."""
    clip = {"name": "grad", "threshold": 1e-6}
    late, plain = (
        outcome([stale(*words, epochs=1, record_every=1, clip=clip)], DATA).records[0]
        for words in (("fixed", 3), ("fixed", 0))
    )
    assert [r.metrics["clipped_fraction"] for r in late] == [0, 0, 0, 1]
    assert late[0].metrics["grad_norm"] == plain[0].metrics["grad_norm"] > 1e-2


@pytest.mark.parametrize("word", LATE)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_updates_late_is_none(optimizer, word):
    zero, none = (stale(*words, optimizer=optimizer) for words in ((word, 0), ("fixed", 0)))
    none = replace(none, staleness="none")
    assert structure(zero) == structure(none)
    found, plain = outcome([zero], DATA), outcome([none], DATA)
    assert found.records == plain.records and found.training.state.ring is None
    assert all(torch.equal(a, b) for a, b in zip(found.tensors(0), plain.tensors(0), strict=True))


def test_who_does_not_use_it_has_no_ring_no_delays_and_no_place_for_them():
    training = Training([experiment()], DATA)
    assert training.state.ring is None and training.chunks.steps[0].ring is None
    assert training.chunks.batches[0].delays is None and training.chunks.batches[0](0).tau is None


def test_a_run_that_is_shorter_than_the_delay_learns_nothing():
    done = outcome([stale("fixed", 24)], DATA)
    assert torch.equal(done.tensors(0)[0], Training([stale("fixed", 24)], DATA).state.theta)
    assert len({record.metrics["valid/loss"] for record in done.records[0]}) == 1


# Stacked, alone, resumed


def mixed(updates: int = 4, **keys: Any) -> list[Experiment]:
    """Fixed and random delays of one length share a stack, corrected and not."""
    rules = itertools.product(LATE, (False, True))
    return [
        experiment(seed=seed, staleness={"name": word, "updates": updates, "scale_lr": scale}, epochs=3, **keys)
        for seed, (word, scale) in enumerate(rules)
    ]


def test_fixed_and_random_delays_in_one_stack_are_as_alone():
    stack = mixed(optimizer="heavy_ball", record_every=2)
    together = outcome(stack, DATA)
    for run, e in enumerate(stack):
        single = outcome([e], DATA)
        assert together.records[run] == single.records[0]
        assert all(torch.equal(a, b) for a, b in zip(together.tensors(run), single.tensors(0), strict=True))
    assert len({float(together.tensors(run)[0].sum()) for run in range(len(stack))}) == len(stack)


@pytest.mark.parametrize("stop", range(1, 12))
@pytest.mark.parametrize("word", LATE)
def test_stopped_after_any_update_the_ring_comes_back(word, stop, tmp_path):
    """Through a checkpoint on the disk: before the ring is full, when it is, and after."""
    e = stale(word, 4, epochs=3, optimizer="adam")
    go(tmp_path, e, DATA, stop=stop)
    ring = checkpoint.load(tmp_path).state.ring
    assert ring is not None and ring.shape[1] == 5
    assert int((ring != 0).any(2).sum()) == min(stop, 5)
    run = go(tmp_path, e, DATA, resumed=True)
    whole = outcome([e], DATA)
    assert all(torch.equal(a, b) for a, b in zip(tensors(run.training.of(0)), whole.tensors(0), strict=True))


def test_a_ring_that_is_not_restored_would_be_noticed(tmp_path):
    e = stale("fixed", 4, epochs=3)
    go(tmp_path, e, DATA, stop=6)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save(content | {"ring": torch.zeros_like(content["ring"])}, tmp_path / "checkpoint.pt")
    run = go(tmp_path, e, DATA, resumed=True)
    assert not torch.equal(run.training.state.theta, outcome([e], DATA).tensors(0)[0])


@pytest.mark.parametrize("ring", [None, torch.zeros(1, 3, 1)])
def test_a_checkpoint_without_the_ring_that_is_needed_is_refused(ring, tmp_path):
    go(tmp_path, stale("fixed", 4), DATA, stop=6)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del content["ring"]
    found = {} if ring is None else {"ring": ring.expand(1, 3, content["theta"].shape[1]).contiguous()}
    torch.save(content | found, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=r"gradients kept\) are .*, [03]\) and should be .*, 5\)"):
        go(tmp_path, stale("fixed", 4), DATA, resumed=True)


def test_a_checkpoint_from_before_there_was_staleness_goes_on(tmp_path):
    e = experiment(optimizer="adam", epochs=3)
    go(tmp_path, e, DATA, stop=6)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert "ring" not in content
    del content["config"]["staleness"]
    torch.save(content, tmp_path / "checkpoint.pt")
    run = go(tmp_path, Experiment.from_dict(content["config"]), DATA, resumed=True)
    assert torch.equal(run.training.state.theta, outcome([e], DATA).tensors(0)[0])


def test_a_longer_random_run_begins_like_a_shorter_one():
    short, long = (delays(stale("random", 9, epochs=epochs), updates) for epochs, updates in ((2, 50), (5, 333)))
    assert torch.equal(short, long[:50])


# Neighbours


def test_neighbours_of_a_run_that_diverges_or_is_pruned_keep_their_rings():
    rates = (0.1, 1e30, 0.2, 0.3)
    stack = [stale("fixed", 3, seed, optimizer={"name": "sgd", "lr": lr}) for seed, lr in enumerate(rates)]
    training = Training(stack, DATA, prune=lambda records: {2} if records[0].step == 8 else set())
    ends = {record.run: record.status for records in training for record in records}
    assert [ends[run] for run in range(4)] == ["completed", "diverged", "pruned", "completed"]
    for run in (0, 3):
        single = outcome([stack[run]], DATA).tensors(0)
        assert all(torch.equal(a, b) for a, b in zip(tensors(training.of(run)), single, strict=True))
    assert all(tensor.isfinite().all() for tensor in tensors(training.of(1)))


def test_a_sweep_counts_the_memory_of_the_ring():
    """Of the state as it is, when last finite, and on its way into a checkpoint."""
    late, none = (stale("fixed", updates) for updates in (20, 0))
    assert run_bytes(late) - run_bytes(none) >= 3 * 21 * 4 * parameters(late)


def test_a_gradient_that_is_not_finite_and_waits_is_no_state_to_go_on_from(tmp_path):
    training = Training([stale("fixed", 3)], DATA)
    list(itertools.islice(training, 5))
    assert checkpoint.is_finite(training.state)
    training.state.ring[0, 1, 0] = math.inf
    assert not checkpoint.is_finite(training.state)


def test_a_copy_of_the_state_has_a_ring_of_its_own():
    training = Training([stale("fixed", 3, seed) for seed in range(2)], DATA)
    list(itertools.islice(training, 5))
    ring = training.state.ring
    for made in (training.state.copy(), training.of(1)):
        kept = made.ring.clone()
        training.state.ring += 1
        assert torch.equal(made.ring, kept)
    assert torch.equal(training.state.part(slice(1, 2)).ring, ring[1:]) and training.of(1).ring.shape[:2] == (1, 4)


# The draws


@pytest.mark.parametrize("updates", [1, 2, 6, 7, 1000])
def test_random_delays_are_uniform_up_to_the_bound(updates):
    """100,000 draws: each count within 6 deviations, and neighbours in time or seed are not correlated."""
    n, words = 100_000, updates + 1
    taus = Random(updates=updates).delays(draws(5, "staleness", n))
    counts = torch.bincount(taus.long(), minlength=words)
    assert len(counts) == words and taus.dtype == torch.float64
    assert ((counts - n / words).abs() < 6 * math.sqrt(n / words * (1 - 1 / words))).all()
    other = Random(updates=updates).delays(draws(6, "staleness", n))
    for a, b in ((taus[1:], taus[:-1]), (taus[8:], taus[:-8]), (taus, other)):
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 5 / math.sqrt(n)


def test_golden_draws():
    """Results of today must be reproduced tomorrow: these numbers may not change."""
    found = delays(experiment(seed=3, staleness={"name": "random", "updates": 7}), 12)
    assert found.tolist() == [3, 5, 3, 6, 6, 0, 0, 2, 6, 3, 3, 6]


# What theory says


def largest_rate(tau: int) -> float:
    """Of x ← x − ηx, x of τ updates ago: 0 is stable for η below 2 sin(π/(4τ + 2)) (Levin & May 1976)."""
    return 2 * math.sin(math.pi / (4 * tau + 2))


def last_size(tau: int, lr: float, updates: int = 4000) -> float:
    """The largest |x| of the last 100 updates of gradient descent on x²/2 from 1, through the ring."""
    x, g, gradients = (torch.full(shape, 1.0, dtype=torch.float64) for shape in ((1, 1), (1, 1), (1, tau + 1, 1)))
    ring, sizes = Ring(gradients.zero_()), []
    for t in range(updates):
        g.copy_(x)
        ring.exchange(g, torch.tensor([t]), torch.tensor([tau]))
        x.sub_(lr * g)
        sizes.append(abs(x.item()))
    return max(sizes[-100:])


@pytest.mark.parametrize("tau", [0, 1, 2, 3, 7, 15])
def test_a_quadratic_is_stable_up_to_the_rate_that_theory_names(tau):
    assert last_size(tau, 0.98 * largest_rate(tau)) < 0.5 < 2 < last_size(tau, 1.02 * largest_rate(tau))


@pytest.mark.parametrize("word", LATE)
def test_scale_lr_divides_each_updates_rate_by_its_delay(word):
    e = stale(word, 5, epochs=4, record_every=1, decay="cosine")
    scaled = replace(e, staleness=replace(e.staleness, scale_lr=True))
    taus = delays(e, 16).tolist()
    plain, divided = ([r.metrics["lr"] for r in outcome([x], DATA).records[0]] for x in (e, scaled))
    assert divided == pytest.approx([lr / max(1, tau) for lr, tau in zip(plain, taus, strict=True)])
    assert max(taus) > 1


@pytest.mark.parametrize("word", STALENESSES)
def test_delays_are_whole_numbers_from_the_rules_range(word):
    """From draws at both ends of [0, 1) and between: all 0, all `updates`, or each of 0 … `updates`."""
    rule = STALENESSES[word](**({} if word == "none" else {"updates": 4}))
    draws = torch.tensor([0.0, 0.1, 0.3, 0.5, 0.7, 1 - 2**-53], dtype=torch.float64)
    expected = {"none": [0.0] * 6, "fixed": [4.0] * 6, "random": [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]}[word]
    found = rule.delays(draws)
    assert found.tolist() == expected and found.dtype == torch.float64
