"""The rule that chooses a learning rate: on validation accuracy alone, the same rates for everybody, wider at an edge."""

from __future__ import annotations

import pytest
from questions import question

from trainer.study.choosing import ROUNDS, SEEDS, STEPS, Trial, at, best, cell, further, is_at_edge, trials_of
from trainer.study.schedule import seeds


def curve(peak: float, steps: tuple[int, ...] = STEPS) -> list[Trial]:
    return [Trial(step, (0.9 - 0.01 * (step - peak) ** 2,) * 3) for step in steps]


@pytest.mark.parametrize("peak", [-1, 0, 1])
def test_a_peak_inside_is_found_and_nothing_more_is_tried(peak):
    assert best(curve(peak)).step == peak
    assert further(curve(peak)) == []
    assert not is_at_edge(curve(peak))


@pytest.mark.parametrize(("peak", "more"), [(9, [3, 4]), (-9, [-4, -3])])
def test_a_peak_beyond_the_edge_widens_the_grid_on_that_side(peak, more):
    assert further(curve(peak)) == more


@pytest.mark.parametrize("direction", [1, -1])
def test_widening_ends(direction):
    steps, rounds = list(STEPS), 0
    while more := further(curve(100 * direction, tuple(steps))):
        steps, rounds = steps + more, rounds + 1
    assert rounds == ROUNDS
    assert is_at_edge(curve(100 * direction, tuple(steps)))


def test_a_rate_with_diverged_runs_loses_to_any_without():
    assert best([Trial(0, (0.5, 0.5, 0.5)), Trial(1, (0.99, 0.99), 1)]).step == 0


def test_where_all_diverge_lower_rates_are_tried():
    trials = [Trial(step, (), 3) for step in STEPS]
    assert further(trials) == [-4, -3]


def test_of_equals_the_nearest_to_the_default_is_taken():
    assert best([Trial(step, (0.9,) * 3) for step in STEPS]).step == 0


def test_only_completed_runs_have_an_accuracy_and_test_images_choose_nothing():
    good = {"status": "completed", "valid/accuracy": 0.9, "test/accuracy": 0.1}
    better_on_test = {"status": "completed", "valid/accuracy": 0.8, "test/accuracy": 0.99}
    bad = {"status": "diverged", "valid/accuracy": 0.99}
    trials = trials_of([0, 1, 2], [good] * 3 + [better_on_test] * 3 + [bad] * 3)
    assert [(trial.accuracies, trial.diverged) for trial in trials] == [((0.9,) * 3, 0), ((0.8,) * 3, 0), ((), 3)]
    assert best(trials).step == 0


def test_a_cell_is_its_configuration_at_a_rate_with_a_seed():
    asked = question()
    one = asked.configurations[1]
    made = cell(asked, one, step=1, seed=2)
    default = asked.experiments["clip=grad"]
    assert made.name == "clip=grad,lr=0.4,seed=2"
    assert made.experiment == at(default, 1, 2)
    assert (made.experiment.optimizer.lr, made.experiment.seed) == (2 * default.optimizer.lr, 2)
    assert made.overrides == ("clip=grad", "optimizer.lr=0.4", "seed=2")


def test_the_seeds_that_choose_never_judge():
    assert not set(SEEDS) & set(seeds(1000))
