"""What several runs do at the same time: in order, in threads, to the end."""

from __future__ import annotations

import threading

import pytest

from trainer.run.together import AT_ONCE, together


def test_answers_are_in_order_whoever_is_first():
    meeting = threading.Barrier(AT_ONCE, timeout=60)  # which nobody passes alone

    def answer(run: int) -> int:
        meeting.wait()
        return 10 * run

    assert together(answer, range(2 * AT_ONCE)) == [10 * run for run in range(2 * AT_ONCE)]


@pytest.mark.parametrize("runs", [[], [7]])
def test_none_and_one_need_no_thread(runs):
    assert together(lambda run: (run, threading.current_thread()), runs) == [
        (run, threading.main_thread()) for run in runs
    ]


def test_an_error_stops_no_other():
    tried = []

    def fail(run: int) -> None:
        tried.append(run)
        if run % 2:
            raise OSError(f"run {run}")

    with pytest.raises(OSError, match="run 1"):
        together(fail, range(6))
    assert sorted(tried) == list(range(6))
