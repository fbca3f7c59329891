"""The rules of early stopping against plain Python over the whole series of results."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.engine.evaluation import Evaluation
from trainer.engine.stopping import judge, over
from trainer.experiment import Experiment
from trainer.techniques.stopping import STOPS, NoStop, Patience, Stop, Target

IMAGES = 40


def ends(rule: Stop, scores: list[float]) -> int | None:
    """The epoch, from 1, after which a rule that is told one score after the other ends a run."""
    best, waited = -math.inf, 0
    for epoch, score in enumerate(scores, start=1):
        better = rule.is_better(score, best)
        best, waited = (score, 0) if better else (best, waited + 1)
        if rule.is_over(best, waited):
            return epoch
    return None


def patience(epochs: int, delta: float, values: list[float], sign: int) -> int | None:
    """The rule as Keras writes it down: `wait` counts up, and a better value sets it back."""
    best, wait = values[0], 0
    for epoch, value in enumerate(values[1:], start=2):
        wait += 1
        if sign * value - delta > sign * best:
            best, wait = value, 0
        if wait >= epochs:
            return epoch
    return None


counts = st.lists(st.integers(0, IMAGES), min_size=1, max_size=20)


@given(counts, st.integers(1, 4), st.sampled_from([0.0, 0.02, 0.1]), st.sampled_from(["valid/accuracy", "valid/loss"]))
def test_patience_is_the_rule_of_keras(correct, epochs, delta, metric):
    sign = 1 if metric == "valid/accuracy" else -1
    values = [count / IMAGES for count in correct]
    assert ends(Patience(epochs, metric, delta), [sign * value for value in values]) == patience(
        epochs, delta, values, sign
    )


@given(counts, st.integers(1, IMAGES))
def test_target_is_the_first_epoch_that_reaches_it(correct, wanted):
    values = [count / IMAGES for count in correct]
    first = next((epoch for epoch, value in enumerate(values, start=1) if value >= wanted / IMAGES), None)
    assert ends(Target(wanted / IMAGES), values) == first


@given(counts)
def test_none_never_ends(correct):
    assert ends(NoStop(), [float(count) for count in correct]) is None


@given(st.lists(counts, min_size=3, max_size=3), st.sampled_from(["valid/accuracy", "valid/loss"]))
def test_the_engine_remembers_what_the_rule_would(series, metric):
    """A stack's rows, judged through the state alone, end where their rules say by the numbers of metrics.jsonl."""
    from trainer.engine.state import State

    epochs = min(map(len, series))
    rules = [Patience(2, metric), Target(0.5), NoStop()]
    zeros, lowest = torch.zeros(3, 1), torch.full((3, 1), -torch.inf)
    state = State(zeros, (), zeros, zeros, zeros, zeros, lowest.clone(), zeros.clone())
    found: dict[int, int] = {}
    for epoch in range(epochs):
        now = torch.tensor([[row[epoch]] for row in series])
        judge(rules, state, Evaluation(now.float(), now, torch.zeros(3, IMAGES, dtype=torch.bool)))
        found = {row: epoch + 1 for row in over(rules, state, IMAGES)} | found
        state = state.copy()  # as it is saved and read again
    sign = 1 if metric == "valid/accuracy" else -1
    scores = [[sign * count / IMAGES for count in series[0]], [count / IMAGES for count in series[1]]]
    wanted = {row: end for row in (0, 1) if (end := ends(rules[row], scores[row][:epochs]))}
    assert found == wanted
    assert (state.best[2].item(), state.waited[2].item()) == (-math.inf, 0.0)  # whoever has no rule keeps nothing


def test_without_validation_images_nothing_is_judged():
    from trainer.engine.state import State

    state = State(*[torch.zeros(1, 1)] * 1, (), *[torch.zeros(1, 1)] * 6)
    judge([Patience()], state, None)
    assert over([Patience()], state, 0) == set()


@pytest.mark.parametrize("rule", [cls() for cls in STOPS.values()], ids=list(STOPS))
def test_every_rule_says_why(rule):
    assert (rule.reason == "") == (rule.name == "none")


def test_the_accuracy_that_is_enough_is_the_target_unless_it_is_given():
    def accuracy(**keys: Any) -> float:
        stop = Experiment.from_dict(Experiment(**keys).to_dict()).stop
        assert isinstance(stop, Target) and stop.accuracy is not None
        return stop.accuracy

    assert accuracy(stop="target") == 0.97
    assert accuracy(stop="target", target=0.9) == 0.9
    assert accuracy(stop={"name": "target", "accuracy": 0.95}, target=0.9) == 0.95


def test_the_reasons():
    assert Patience().reason == "no better valid/accuracy for 5 epochs"
    assert Patience(1, "valid/loss").reason == "no better valid/loss for 1 epoch"
    assert Target(0.955).reason == "valid/accuracy reached 95.5 %"
    assert replace(Patience(), delta=0.1).is_better(0.5, 0.4) is False  # by more than delta
