"""`threads=auto`: which number of threads it settles on, given how long an update takes with each."""

from __future__ import annotations

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


def train(threads: Threads, seconds_of: Callable[[int], float], seconds: float) -> dict[int, float]:
    """Updates that take as long as `seconds_of` says for the current number of threads; the share of time with each number."""
    spent = dict.fromkeys(QUIET, 0.0)
    while sum(spent.values()) < seconds:
        threads.seconds = seconds_of(torch.get_num_threads())
        spent[torch.get_num_threads()] += threads.seconds
        threads._learn()
    return {number: share / sum(spent.values()) for number, share in spent.items()}


@pytest.mark.parametrize("pace, best", [(QUIET, 4), (BUSY, 1), ({4: 0.002, 2: 0.001, 1: 0.003}, 2)])
def test_the_fastest_number_gets_nearly_all_the_time(pace, best):
    assert train(Threads("auto", CPU, 128), pace.__getitem__, 10)[best] > 0.75


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


def test_updates_are_timed_as_one_for_a_tenth_of_a_second_at_most(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(device.time, "perf_counter", lambda: next(clock) * 0.03)
    threads = Threads(1, CPU, 128)
    assert threads.at_once(8) == 1  # before anything is known
    for updates, seen, of_few in ((1, 3, 2), (3, 8, 2), (8, 8, 2)):
        with threads.timed(updates):  # they take 0.03 s together
            pass
        assert (threads.at_once(8), threads.at_once(2), threads.at_once(1)) == (seen, of_few, 1)


def test_trials_look_at_one_update_at_a_time():
    threads = Threads("auto", CPU, 128)
    threads.each = 0.001  # eight would take less than a tenth of a second
    while threads.waiting is not None:
        assert threads.at_once(8) == 1
        train(threads, QUIET.__getitem__, 0.001)
    assert threads.at_once(8) == 8
