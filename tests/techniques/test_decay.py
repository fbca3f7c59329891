"""Each decay against literal fractions."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import pytest
from subjects import experiment, outcome, tiny

from trainer.techniques.decay import DECAYS, multipliers

GOLDEN: list[tuple[str, dict[str, Any], int, int, list[F]]] = [
    # word, numbers, updates, updates an epoch, multipliers
    ("none", {}, 3, 3, [F(1), F(1), F(1)]),
    # none with 2 updates of warm-up: 1/3, 2/3, then 1
    ("none", {"warmup": 2}, 4, 4, [F(1, 3), F(2, 3), F(1), F(1)]),
    # γ = 1/2: halved by each update
    ("exponential", {"gamma": 0.5}, 4, 2, [F(1), F(1, 2), F(1, 4), F(1, 8)]),
    # … or by each epoch of 2 updates; the fifth update begins the third epoch
    ("exponential", {"gamma": 0.5, "per": "epoch"}, 5, 2, [F(1), F(1), F(1, 2), F(1, 2), F(1, 4)]),
    # 1 − t/T: the last update still has 1/T
    ("linear", {}, 4, 2, [F(1), F(3, 4), F(2, 4), F(1, 4)]),
    # to final = 1/2: half of the fall
    ("linear", {"final": 0.5}, 4, 2, [F(1), F(7, 8), F(6, 8), F(5, 8)]),
    # counted in epochs: 3 of them, 2 updates each
    ("linear", {"per": "epoch"}, 6, 2, [F(1), F(1), F(2, 3), F(2, 3), F(1, 3), F(1, 3)]),
    # warm-up of 2 in 6 updates: 1/3, 2/3, then the whole line over the 4 that are left
    ("linear", {"warmup": 2}, 6, 6, [F(1, 3), F(2, 3), F(1), F(3, 4), F(2, 4), F(1, 4)]),
    # every 2 epochs of 1 update
    ("step", {"gamma": 0.5, "every": 2}, 6, 1, [F(1), F(1), F(1, 2), F(1, 2), F(1, 4), F(1, 4)]),
    # every 2 updates, however long the epoch
    ("step", {"gamma": 0.5, "every": 2, "per": "update"}, 5, 5, [F(1), F(1), F(1, 2), F(1, 2), F(1, 4)]),
    # milestones at epochs 1 and 3, 1 update an epoch; `every` does not count then
    ("step", {"gamma": 0.5, "every": 1, "milestones": (1, 3)}, 5, 1, [F(1), F(1, 2), F(1, 2), F(1, 4), F(1, 4)]),
    # milestones in updates
    ("step", {"gamma": 0.5, "milestones": (2,), "per": "update"}, 4, 1, [F(1), F(1), F(1, 2), F(1, 2)]),
    # (1 + cos 0°, 60°, 120°)/2 with cos 60° = 1/2
    ("cosine", {}, 3, 3, [F(1), F(3, 4), F(1, 4)]),
    # to final = 1/5: 1/5 + 4/5 of the above
    ("cosine", {"final": 0.2}, 3, 3, [F(1), F(4, 5), F(2, 5)]),
    # two epochs of 2: 0° and 90°
    ("cosine", {"per": "epoch"}, 4, 2, [F(1), F(1), F(1, 2), F(1, 2)]),
]


@pytest.mark.parametrize("word, numbers, updates, per_epoch, expected", GOLDEN)
def test_multipliers_are_these_fractions(word, numbers, updates, per_epoch, expected):
    found = multipliers(DECAYS[word](**numbers), updates, per_epoch)
    assert found == pytest.approx([float(fraction) for fraction in expected], rel=1e-12, abs=0)


@pytest.mark.parametrize("per", ["update", "epoch"])
@pytest.mark.parametrize("word", DECAYS)
def test_the_first_multiplier_is_exactly_one_and_none_leaves_the_unit_interval(word, per):
    found = multipliers(DECAYS[word](per=per), 1000, 70)
    assert found[0] == 1.0 and len(found) == 1000
    assert all(0 <= later <= earlier <= 1 for earlier, later in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("word", DECAYS)
def test_a_warm_up_rises_in_equal_steps_to_the_decays_own_first_value(word):
    found = multipliers(DECAYS[word](warmup=9), 50, 10)
    assert found[:10] == pytest.approx([(t + 1) / 10 for t in range(10)], rel=1e-12)
    assert found[9] == 1.0 and found[9:] == multipliers(DECAYS[word](), 41, 10)


@pytest.mark.parametrize("word", DECAYS)
@pytest.mark.parametrize("updates, warmup", [(0, 0), (0, 5), (3, 5), (5, 5), (1, 0)])
def test_runs_shorter_than_the_warm_up_and_runs_of_no_updates(word, updates, warmup):
    found = multipliers(DECAYS[word](warmup=warmup), updates, 3)
    assert len(found) == updates
    assert list(found[:warmup]) == [(t + 1) / (warmup + 1) for t in range(min(updates, warmup))]


@pytest.mark.parametrize("word", DECAYS)
def test_a_decay_has_a_horizon_where_a_longer_run_begins_otherwise(word):
    begins_otherwise = multipliers(DECAYS[word](), 40, 4)[:20] != multipliers(DECAYS[word](), 20, 4)
    assert DECAYS[word].has_horizon == begins_otherwise


def test_linear_and_cosine_reach_their_final_value_but_for_the_last_step():
    for word in ("linear", "cosine"):
        assert multipliers(DECAYS[word](final=0.25), 100_000, 100)[-1] == pytest.approx(0.25, abs=1e-5)
        assert DECAYS[word](final=0.25).at(100, 100) == pytest.approx(0.25, rel=1e-12)


def test_the_logged_rate_is_eta_times_the_multiplier_of_the_update_just_made():
    """94 samples, 29 a batch: 4 updates an epoch, 8 in all; linear decay from 0.4."""
    decayed = experiment(optimizer={"name": "sgd", "lr": 0.4}, decay="linear", record_every=1)
    rates = [record.metrics["lr"] for record in outcome([decayed], tiny()).records[0]]
    assert rates == pytest.approx([0.4 * (1 - t / 8) for t in range(8)], rel=1e-6)


def test_the_rate_that_is_logged_is_the_rate_that_is_used():
    """A plain step of sgd changes θ by its rate times g: the first bias moves less by just the multiplier."""
    moved = []
    for decay in ("none", {"name": "none", "warmup": 4}):
        free = experiment(optimizer={"name": "sgd", "lr": 0.5}, decay=decay, epochs=1, record_every=1)
        moved.append(outcome([free], tiny()).records[0][0].metrics["update_ratio/linear1"])
    assert moved[1] == pytest.approx(moved[0] / 5, rel=1e-4)
