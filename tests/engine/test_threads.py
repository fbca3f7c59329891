"""`threads=auto`: which number of threads it settles on, given how long an update takes with each."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch

from trainer.engine import devices as device
from trainer.engine.devices import FEW_ROWS, Threads

CPU = torch.device("cpu")
QUIET = {4: 0.001, 2: 0.002, 1: 0.004}
BUSY = {4: 0.02, 2: 0.006, 1: 0.004}


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(device, "cores", lambda: 4)


def train(threads: Threads, seconds_of: Callable[[int], float], seconds: float, *turns: int) -> dict[int, float]:
    """Updates that take as long as `seconds_of` says for the current number of threads, made in turns; the share of time with
    each number."""
    spent, lengths = dict.fromkeys(QUIET, 0.0), itertools.cycle(turns or [1])
    while sum(spent.values()) < seconds:
        threads.updates = next(lengths)
        threads.seconds = threads.updates * seconds_of(torch.get_num_threads())
        spent[torch.get_num_threads()] += threads.seconds
        threads._learn()
    return {number: share / sum(spent.values()) for number, share in spent.items()}


@pytest.mark.parametrize("pace, best", [(QUIET, 4), (BUSY, 1), ({4: 0.002, 2: 0.001, 1: 0.003}, 2)])
@pytest.mark.parametrize("turns, share", [([1], 0.75), ([8, 8, 3], 0.5)])
def test_the_fastest_number_gets_nearly_all_the_time(pace, best, turns, share):
    assert train(Threads("auto", CPU, 128), pace.__getitem__, 10, *turns)[best] > share


def test_a_neighbour_who_comes_and_goes_is_noticed():
    threads = Threads("auto", CPU, 128)
    for pace, best in ((QUIET, 4), (BUSY, 1), (QUIET, 4)):
        train(threads, pace.__getitem__, 2)
        assert train(threads, pace.__getitem__, 2)[best] > 0.6


@pytest.mark.parametrize("disturbed", [4, 2, 1])
def test_one_slow_turn_decides_nothing(disturbed):
    """The first updates with one number are slow: its caches are cold, or another process was quick to end."""
    left = {disturbed: 6}

    def seconds_of(number: int) -> float:
        left[number] = left.get(number, 0) - 1
        return QUIET[number] * (10 if left[number] >= 0 else 1)

    threads = Threads("auto", CPU, 128)
    train(threads, seconds_of, 0.6)
    assert train(threads, seconds_of, 0.4)[4] == 1


@pytest.mark.parametrize("setting, rows, number", [(3, 128, 3), ("auto", FEW_ROWS - 1, 1)])
def test_what_is_set_or_the_only_choice_stays(setting, rows, number):
    threads = Threads(setting, CPU, rows)
    for _ in range(50):
        with threads.timed(1):
            assert torch.get_num_threads() == number
    assert not threads.adapts
