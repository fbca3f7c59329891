"""What several runs do at the same time: in order, in threads, to the end."""

from __future__ import annotations

import threading

import pytest
from stopping import Nobody
from subjects import experiment, tiny

from trainer.engine.loop import Training
from trainer.engine.state import State
from trainer.records import Status
from trainer.run.stack_run import Job, StackRun
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


def test_a_stack_is_looked_at_in_one_thread_alone(tmp_path, monkeypatch):
    """To look at it brings its sums up to date, which two at a time would do twice."""
    threads = set()

    def of(training: Training, run: int) -> State:
        threads.add(threading.current_thread())
        return original(training, run)

    original = Training.of
    monkeypatch.setattr(Training, "of", of)
    jobs = [Job(experiment(seed=seed, epochs=3, checkpoint={"epochs": 1}), tmp_path / str(seed)) for seed in range(4)]
    for job in jobs:
        job.directory.mkdir()
    run = StackRun(jobs, tiny())
    run.train(Nobody(), lambda: Status.INTERRUPTED if run.training.step == 2 * run.training.per_epoch + 1 else None)
    assert {summary["status"] for summary in run.summaries()} == {"interrupted"}
    assert threads == {threading.main_thread()}
