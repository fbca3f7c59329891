"""A run has the same bits in a stack and alone, beside a broken neighbour, and after a stop in the middle.

Equality is `torch.equal` throughout, on the CPU, whatever the number of threads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from subjects import TECHNIQUES, Outcome, experiment, narrow, outcome, stack_of, tensors, tiny, varied, words

from trainer.data.tensors import Tensors
from trainer.engine import chunks as parts
from trainer.engine.devices import Threads
from trainer.engine.loop import Training
from trainer.engine.stack import stack_numbers
from trainer.engine.state import join
from trainer.experiment import GROUPS, Experiment, structure

RUNS = 8
ODD = tiny(features=50, samples=94)
"""No multiple of 16 features; batches of 29 leave a last one of 7."""
EVEN = tiny(features=50, samples=108, held_out=40)
"""Batches of 29 leave a last one of 21."""
LARGE = tiny(features=784, samples=220, held_out=40)
"""Large enough that sums and products are split among threads."""


def alone(experiments: Sequence[Experiment], data: Tensors) -> list[Outcome]:
    return [outcome([e], data) for e in experiments]


def assert_equal(stacked: Outcome, single: Sequence[Outcome]) -> None:
    """Parameters, slots, statistics, gradients that wait and every metric of every record."""
    for run, one in enumerate(single):
        pairs = zip(stacked.tensors(run), one.tensors(0), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs), f"run {run} has other parameters than alone"
        assert stacked.records[run] == one.records[0] != [], f"run {run} has other records than alone"


def with_threads(keys: dict[str, Any], threads: int, group: str, word: str) -> list[Experiment]:
    batch = {"batch_size": None} if word == "batch_gd" else {}
    return stack_of(group, word, RUNS, **{**keys, **batch, "threads": threads})


SETTINGS: dict[str, tuple[Tensors, dict[str, Any]]] = {
    "odd sizes": (EVEN, {"model": narrow(), "epochs": 1}),
    "large": (LARGE, {"model": narrow(hidden=[128]), "batch_size": 128, "epochs": 1}),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("group, word", TECHNIQUES)
def test_every_technique_in_a_stack_is_as_alone_with_one_thread_and_with_two(setting, group, word):
    data, keys = SETTINGS[setting]
    single = alone(with_threads(keys, 1, group, word), data)
    assert len({float(one.tensors(0)[0].sum()) for one in single}) == RUNS  # eight runs, not eight copies
    for threads in (1, 2):
        assert_equal(outcome(with_threads(keys, threads, group, word), data), single)
    assert_equal(outcome(with_threads(keys, 2, group, word)[:1], data), single[:1])


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize(
    "keys",
    [{"clip": "grad", "staleness": "random"}, {"normalization": "batch", "dropout": "half", "optimizer": "adam"}],
)
def test_parts_of_a_stack_are_as_alone(keys, most, monkeypatch):
    """Five runs in parts of at most so many, which share their memory; one of them is pruned, so that the parts change."""
    monkeypatch.setattr(parts, "working_set", lambda *_: parts.WORKING_SET // most)
    prune = {"prune": lambda records: {1} if records[0].step == 4 else set()}
    stack = [experiment(seed=seed, epochs=3, **keys) for seed in range(5)]
    training = Training(stack, ODD, **prune)
    assert [len(step.lr) for step in training.chunks.steps] == {1: [1] * 5, 2: [1, 2, 2], 3: [2, 3]}[most]
    single = alone(stack, ODD)
    assert_equal(outcome(stack, ODD), single)
    list(training)
    for run in (0, 2, 3, 4):
        assert torch.equal(training.of(run).theta, single[run].tensors(0)[0])


def test_runs_too_large_for_the_caches_are_a_part_each(monkeypatch):
    monkeypatch.setattr(parts, "WORKING_SET", 1)
    training = Training([experiment(seed=seed) for seed in range(3)], ODD)
    assert [len(step.lr) for step in training.chunks.steps] == [1, 1, 1]


@pytest.mark.parametrize(
    "most, seconds, steps",
    [
        (3, 1e9, list(range(1, 13))),  # one part: update by update
        (2, 1e9, [1, 5, 6, 10, 12]),  # after the first five in a row, up to a record or the end of an epoch
        (2, 0, list(range(1, 13))),
        (0, 1e9, list(range(1, 13))),  # parts too large for the caches: nothing would be gained
    ],
)
def test_parts_make_some_updates_in_a_row(most, seconds, steps, monkeypatch):
    monkeypatch.setattr(parts, "working_set", lambda *_: parts.WORKING_SET // most if most else parts.WORKING_SET + 1)
    monkeypatch.setattr(parts, "IN_A_ROW", 5)
    monkeypatch.setattr(Threads, "LONGEST", seconds)
    stack = [experiment(seed=seed, epochs=2, batch_size=16, record_every=5, threads=1) for seed in range(3)]
    training = Training(stack, ODD)
    seen = [(training.step, bool(records)) for records in training]
    assert [step for step, _ in seen] == steps
    assert [step for step, recorded in seen if recorded] == [5, 6, 10, 12]
    assert_equal(outcome(stack, ODD), alone(stack, ODD))


@pytest.mark.parametrize("staleness, waiting", [("none", 0), ("fixed", 2)])
def test_a_working_set_is_the_memory_that_an_update_goes_through(staleness, waiting):
    """50-37-21-10 with Adam: rows of θ, g, two slots and gradients that wait; 29 images and what each layer makes of them,
    a hidden one before and after its activation."""
    e = experiment(optimizer="adam", staleness=staleness, model=narrow(hidden=[37, 21]))
    training = Training([e], ODD)
    row = training.state.theta.nbytes
    expected = row * (2 + 2 + waiting) + torch.zeros(29, 50 + 2 * 37 + 2 * 21 + 10).nbytes
    assert parts.working_set(training.layout, training.state, 29) == expected


def test_a_batch_larger_than_the_training_set_is_the_training_set():
    large, whole = (outcome([experiment(batch_size=size)], ODD) for size in (95, 94))
    assert large.training.batch == 94 and large.training.updates == 2
    assert_equal(large, [whole])


def test_the_time_of_each_update_is_counted():
    training = Training([experiment(batch_size="full")], ODD)
    seconds = [training.seconds for _ in training]
    assert len(seconds) == 2 and 0 < seconds[0] < seconds[1]


def test_the_whole_set_is_taken_in_its_order_and_a_batch_as_large_is_drawn():
    whole, drawn = (Training([experiment(batch_size=size)], ODD).chunks.batches[0](0).indices for size in ("full", 94))
    assert whole is None and drawn is not None
    assert sorted(drawn.tolist()) == list(range(94)) != drawn.tolist()


@pytest.mark.parametrize("clip", GROUPS["clip"])
def test_a_run_that_breaks_leaves_the_other_parts_alone(clip, monkeypatch):
    """Chunks of one run share the memory of their gradients, and a clip spreads a NaN over a whole row of it."""
    monkeypatch.setattr(parts, "working_set", lambda *_: parts.WORKING_SET)
    decayed = {"weight_decay": 0.01}
    stack = [
        experiment(seed=s, clip=clip, optimizer={"name": "sgd", "lr": lr, **decayed}) for s, lr in enumerate(RATES)
    ]
    training = Training(stack, ODD)
    training._state.theta[1, 0] = math.inf
    records = [record for records in training for record in records]
    assert [r.status for r in records if r.run == 1] == ["diverged"]
    for run in (0, 2):
        assert torch.equal(training.of(run).theta, alone(stack, ODD)[run].tensors(0)[0])


RATES = (0.1, 0.2, 0.3)


@pytest.mark.parametrize("clip", GROUPS["clip"])
def test_what_belongs_to_no_parameter_stays_zero(clip):
    """The zeros beside narrow layers and between parameters, under every clip, with weight decay."""
    model = narrow(hidden=[5, 21], init="normal")
    stack = [
        experiment(seed=s, clip=clip, model=model, optimizer={"name": "adam", "weight_decay": 0.1}) for s in range(2)
    ]
    training = Training(stack, ODD)
    list(training)
    used = torch.zeros_like(training.state.theta)
    for segment in training.layout.parameters.values():
        segment.view(used).fill_(1)
    for rows in (training.state.theta, *training.state.slots):
        assert (rows * used).any() and not (rows * (1 - used)).any()


@pytest.mark.parametrize("features", [16, 20, 50])
@pytest.mark.parametrize(
    "keys", [{"batch_size": "full"}, {"optimizer": "batch_gd", "batch_size": None}, {"batch_size": 29}]
)
def test_a_data_set_of_any_shape_lies_alike_for_one_and_for_many(features, keys):
    """The whole set is not copied for a stack; its products must find it in the same order as those of one run."""
    data = tiny(features=features, samples=95, held_out=41)
    stack = [experiment(seed=seed, model=narrow(hidden=[128]), **keys) for seed in range(3)]
    single = alone(stack, data)
    for threads in (1, 2):
        assert_equal(outcome([replace(e, threads=threads) for e in stack], data), single)


MODELS = [narrow(activation=activation) for activation in words("activation")]
MODELS += [narrow(hidden=[21, 37, 5], activation=activation) for activation in words("activation")]
MODELS += [narrow(init=init, init_scale=1.5) for init in words("init")]
MODELS += [narrow(hidden=[])]


@pytest.mark.parametrize("activation", words("activation"))
def test_activations_of_many_units_are_as_alone_where_threads_cut_them_anywhere(activation):
    keys = {"model": narrow(hidden=[301], activation=activation), "batch_size": 73, "epochs": 1}
    single = alone([experiment(seed=seed, **keys) for seed in range(3)], LARGE)
    for threads in (1, 2):
        assert_equal(outcome([experiment(seed=seed, threads=threads, **keys) for seed in range(3)], LARGE), single)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: "-".join(str(value) for value in model.values()))
def test_every_model_in_a_stack_is_as_alone(model):
    """Alone with one thread, in the stack with one and with two."""
    single = alone([experiment(seed=seed, model=model) for seed in range(RUNS)], EVEN)
    for threads in (1, 2):
        stack = [experiment(seed=seed, model=model, threads=threads) for seed in range(RUNS)]
        assert_equal(outcome(stack, EVEN), single)


ROOMS = list(itertools.product(GROUPS["normalization"], GROUPS["dropout"]))


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 16, 17, 29, 93, "full", 1000])
@pytest.mark.parametrize("normalization, dropout", ROOMS)
def test_any_batch_size_in_a_stack_is_as_alone(batch, normalization, dropout):
    if batch == 1 and GROUPS["normalization"][normalization]().over_batch:
        pytest.skip("a batch of one has no variance")
    keys = {"normalization": normalization, "dropout": dropout, "batch_size": batch, "epochs": 1}
    keys |= {"model": narrow(hidden=[37, 19], activation="gelu"), "optimizer": {"name": "sgd", "lr": 0.01}}
    stack = [experiment(seed=seed, **keys) for seed in range(3)]
    assert_equal(outcome(stack, ODD), alone(stack, ODD))


@pytest.mark.parametrize("batch", [16, 17, 29, 50])
def test_a_small_last_batch_does_not_depend_on_the_threads(batch):
    """94 samples leave 14, 9, 7 and 44, and products of few rows are where MKL's threads show."""
    one, two = (outcome([experiment(batch_size=batch, threads=threads)], ODD) for threads in (1, 2))
    assert_equal(two, [one])


def test_seeds_may_be_any_and_runs_in_any_order():
    stack = [experiment(seed=seed) for seed in (2**63 - 1, 0, 7, 7)]
    there, back = outcome(stack, ODD), outcome(stack[::-1], ODD)
    for run in range(4):
        assert torch.equal(there.tensors(run)[0], back.tensors(3 - run)[0])
    assert torch.equal(there.tensors(2)[0], there.tensors(3)[0])


def test_different_initial_values_and_decays_may_share_a_stack():
    stack = [
        experiment(seed=seed, model=narrow(init=init), decay=decay)
        for seed, (init, decay) in enumerate(zip(words("init"), list(GROUPS["decay"])[1:], strict=False))
    ]
    assert_equal(outcome(stack, ODD), alone(stack, ODD))


@pytest.mark.parametrize(
    "other",
    [{"epochs": 3}, {"batch_size": 28}, {"record_every": 2}, {"threads": 2}, {"precision": "bf16"},
     {"optimizer": "adam"}, {"clip": "grad"}, {"normalization": "layer"},
     {"dropout": "half"}, {"dropout": {"name": "half", "rate": 0, "input_rate": 0.2}}, {"staleness": "fixed"},
     {"model": narrow(hidden=[36])}, {"model": narrow(activation="tanh")},
     {"optimizer": {"name": "sgd", "weight_decay": 0.1}}],
)  # fmt: skip
def test_runs_of_other_structure_do_not_share_a_stack(other):
    with pytest.raises(ValueError, match="structure"):
        Training([experiment(), experiment(**other)], ODD)


def test_a_run_that_drops_no_inputs_does_not_share_a_stack_with_one_that_does():
    """Both drop hidden activations, so only the inputs' rate tells them apart; another rate above 0 is no obstacle."""
    rates = [experiment(dropout={"name": "half", "input_rate": rate}) for rate in (0, 0.2, 0.4)]
    assert structure(rates[1]) == structure(rates[2])
    with pytest.raises(ValueError, match="structure"):
        Training(rates[:2], ODD)


@pytest.mark.parametrize(
    "record_every, epochs", [(1, [0.3333, 0.6667, 1, 1.3333, 1.6667, 2]), (2, [0.6667, 1, 1.3333, 2])]
)
def test_a_record_inside_an_epoch_tells_its_fraction(record_every, epochs):
    """94 samples, 40 a batch: three updates an epoch. The end of an epoch is a whole number, and an int."""
    records = outcome([experiment(batch_size=40, record_every=record_every)], ODD).records[0]
    assert [record.epoch for record in records] == epochs
    assert [type(record.epoch) for record in records] == [type(epoch) for epoch in epochs]


def test_a_rule_that_reads_its_own_lr_fails_instead_of_losing_the_decay():
    """Its numbers are columns, and of this one there are two: the argument `lr`, decayed, is the one to use."""
    numbers = stack_numbers(
        [experiment(optimizer={"name": "momentum", "lr": lr}) for lr in (0.1, 0.2)], torch.device("cpu")
    )
    assert torch.equal(numbers.optimizer.beta, torch.tensor([[0.9], [0.9]]))
    with pytest.raises(AttributeError, match="Momentum.update must use its argument lr"):
        _ = numbers.optimizer.lr


# Divergence


def rates(*lrs: float, **keys: Any) -> list[Experiment]:
    return [experiment(seed=i, optimizer={"name": "heavy_ball", "lr": lr}, **keys) for i, lr in enumerate(lrs)]


@pytest.mark.parametrize("record_every", [1, 3])
@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_neighbours_of_a_diverging_run_are_untouched(record_every, normalization):
    stack = rates(0.01, 1e30, 0.02, 1e34, 0.03, record_every=record_every, normalization=normalization)
    together = outcome(stack, ODD)
    for run in (0, 2, 4):
        one = outcome([stack[run]], ODD)
        assert all(torch.equal(a, b) for a, b in zip(together.tensors(run), one.tensors(0), strict=True))
        assert together.records[run] == one.records[0]
        assert together.records[run][-1].status == "completed"
    for run in (1, 3):
        assert [record.status for record in together.records[run][:-1]] == ["running"] * (
            len(together.records[run]) - 1
        )
        assert together.records[run][-1].status == "diverged"


@pytest.mark.parametrize("record_every", [1, 2])
def test_a_diverged_run_keeps_its_last_finite_state(record_every):
    """θ ← θ(1 − ηλ) with ηλ = 10⁴ grows for some updates before it overflows."""
    stack = [
        experiment(seed=i, record_every=record_every, optimizer={"name": "sgd", "lr": 1.0, "weight_decay": decay})
        for i, decay in enumerate((1e-3, 1e4, 1e-3))
    ]
    training, finite = Training(stack, ODD), []
    for records in training:
        if any(record.run == 1 and record.status == "diverged" for record in records):
            break
        if any(record.run == 1 for record in records):
            finite.append(training.of(1))
    kept = training.of(1)
    assert len(finite) >= 2 and training.state.step == finite[-1].step + record_every < 8
    assert kept.step == finite[-1].step and torch.isfinite(kept.theta).all()
    assert torch.equal(kept.theta, finite[-1].theta)


def test_a_run_that_diverges_at_once_keeps_its_initial_state():
    stack = rates(0.01, 1e38)
    start = Training(stack, ODD).of(1)
    done = outcome(stack, ODD)
    assert done.records[1][-1].status == "diverged"
    assert torch.equal(done.training.of(1).theta, start.theta)
    assert torch.isfinite(done.training.of(1).theta).all()


@pytest.mark.parametrize("lrs", [(1e38,), (1e38, 1e37)])
def test_all_runs_may_diverge(lrs):
    done = outcome(rates(*lrs), ODD)
    for run, _ in enumerate(lrs):
        assert [record.status for record in done.records[run]] == ["diverged"]
        assert torch.isfinite(done.training.of(run).theta).all()
        assert not all(map(math.isfinite, done.records[run][0].metrics.values()))


def test_pruned_runs_leave_and_the_others_do_not_notice():
    stack = rates(0.01, 0.02, 0.03, record_every=2)
    free = outcome(stack, ODD)
    training = Training(stack, ODD, prune=lambda records: {1} if records[0].step == 4 else set())
    statuses = {run: [] for run in range(3)}
    for records in training:
        for record in records:
            statuses[record.run].append(record.status)
    assert statuses[1] == ["running", "pruned"] and training.of(1).step == 4
    for run in (0, 2):
        assert statuses[run] == ["running"] * 3 + ["completed"]
        assert torch.equal(training.of(run).theta, free.training.of(run).theta)


# Going on from a State


def pairwise() -> list[dict[str, str]]:
    """Few combinations in which each word of each group meets each word of every other group at least once."""
    groups = {group: list(table) for group, table in GROUPS.items() if group != "dataset"}
    groups["model"] = list(words("activation"))
    names = list(groups)
    missing = {
        frozenset([(a, x), (b, y)]) for a, b in itertools.combinations(names, 2) for x in groups[a] for y in groups[b]
    }
    cases = []
    while missing:
        case = dict(sorted(min(missing, key=sorted)))  # in one order, for the workers of pytest-xdist
        for name in names:
            if name not in case:
                news = {
                    word: sum(frozenset([(name, word), pair]) in missing for pair in case.items())
                    for word in groups[name]
                }
                case[name] = max(news, key=news.__getitem__)
        missing -= {frozenset(pair) for pair in itertools.combinations(case.items(), 2)}
        cases.append(case)
    return cases


def combined(case: dict[str, str], seed: int, **keys: Any) -> Experiment:
    techniques = {group: varied(group, word, seed) for group, word in case.items() if group != "model"}
    if case["optimizer"] == "batch_gd":
        keys["batch_size"] = None
    return experiment(seed=seed, model=narrow(activation=case["model"]), **techniques, **keys)


def run_on(training: Training, records: list, updates: int | None = None) -> None:
    for batch in training if updates is None else itertools.islice(training, updates):
        records += [(r.run, r.epoch, r.step, r.metrics, r.status) for r in batch]


def test_the_pairwise_set_covers_all_pairs():
    cases = pairwise()
    assert 81 <= len(cases) <= 130
    for (group, word), (other, second) in itertools.combinations(TECHNIQUES, 2):
        assert group == other or any(case[group] == word and case[other] == second for case in cases)


@pytest.mark.parametrize("case", pairwise(), ids=lambda case: "-".join(case.values()))
def test_a_stopped_stack_goes_on_with_the_same_bits(case):
    """After any number of updates, in the middle of an epoch too; `State.rows` and `to` are what checkpoints use."""
    batch_gd = case["optimizer"] == "batch_gd"
    stack = [combined(case, seed, epochs=6 if batch_gd else 2, record_every=3) for seed in range(2)]
    whole: list = []
    uninterrupted = Training(stack, ODD)
    run_on(uninterrupted, whole)
    stop, parts = 5, list[Any]()
    first = Training(stack, ODD)
    run_on(first, parts, stop)
    copies = [first.state.rows([run]).to("cpu") for run in range(2)]
    for tensor in tensors(first.state):
        tensor.fill_(math.nan)  # a copy has memory of its own
    second = Training(stack, ODD, state=join(copies))
    assert second.state.step == stop
    run_on(second, parts)
    assert parts == whole and len(whole) >= 4
    for run in range(2):
        for x, y in zip(tensors(second.of(run)), tensors(uninterrupted.of(run)), strict=True):
            assert torch.equal(x, y)


@pytest.mark.parametrize("stop", range(1, 8))
def test_a_run_of_a_stack_goes_on_alone_from_any_update(stop):
    stack = [
        experiment(seed=seed, optimizer="adam", normalization="batch", dropout="half", decay="cosine")
        for seed in range(3)
    ]
    whole = outcome(stack, ODD)
    first = Training(stack, ODD)
    run_on(first, [], stop)
    second = Training(stack[1:2], ODD, state=first.of(1))
    run_on(second, [])
    assert torch.equal(second.state.theta, whole.training.of(1).theta)


def test_a_longer_run_begins_like_a_shorter_one():
    """2 epochs, then 2 more, are 4: nothing but the decays looks at the number of epochs."""
    two, four = (Training([experiment(epochs=epochs, dropout="half")], ODD) for epochs in (2, 4))
    run_on(two, []), run_on(four, [])
    more = Training([experiment(epochs=4, dropout="half")], ODD, state=two.of(0))
    assert more.state.step == 8
    run_on(more, [])
    assert torch.equal(more.state.theta, four.state.theta)


def test_zero_epochs_evaluate_the_initial_state():
    done = outcome([experiment(epochs=0, seed=3)], ODD)
    (record,) = done.records[0]
    assert (record.step, record.epoch, record.status) == (0, 0, "completed")
    assert set(record.metrics) == {"valid/loss", "valid/accuracy", "test/loss", "test/accuracy"}
    assert torch.equal(done.training.state.theta, Training([experiment(seed=3)], ODD).state.theta)
