"""Who is given which stack, and what becomes of the others: the dispatcher with workers that do as they are told here.

What real processes do is in test_sweep.py and test_workers.py; here every order of events can be tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

import pytest
from sweep_cells import cell

from trainer.sweep.devices import WorkerSlot
from trainer.sweep.dispatch import Dispatcher
from trainer.sweep.plan import Piece, Stack

CPU, GPU = WorkerSlot("cpu", 1), WorkerSlot("cuda:0", 1)


def stack(*cells: int, device: str = "cpu") -> Stack:
    return Stack(tuple(Piece(i, cell(f"seed={i}", device=device).experiment) for i in cells))


class Scripted:
    """A worker; a stack that it is given ends as `script` has it for the stack's first cell: events, the last of them first."""

    def __init__(self, slot: WorkerSlot, inbox: SimpleQueue[Any], script: dict[int, list[str]], log: list[Any]):
        self.slot, self.inbox, self.script, self.log = slot, inbox, script, log
        self.stack: Stack | None = None
        self.left: dict[int, Piece] = {}
        self.code = 1

    def give(self, given: Stack, order: dict[str, Any]) -> None:
        self.stack, self.left = given, {piece.cell: piece for piece in given.pieces}
        cells = [piece.cell for piece in given.pieces]
        self.log.append((self.slot.device, cells, order))
        for event in self.script.get(cells[0], ["all", "done"]):
            if event == "all":
                for number in cells:
                    self.inbox.put((self, {"event": "ended", "cell": number}))
            elif event == "leaves":
                self.code = 0
                self.inbox.put((self, {"event": "gone"}))
            elif event != "silent":
                self.inbox.put((self, {"event": event, "cell": cells[0]}))

    def send(self, order: dict[str, Any]) -> None:
        self.log.append((self.slot.device, order))
        self.inbox.put((self, {"event": "gone" if self.code == 0 else "done"}))

    def dismiss(self) -> None:
        self.log.append((self.slot.device, "dismissed"))


class Stage:
    """Pool and scheduler in one, which write down what they hear."""

    def __init__(self, script: dict[int, list[str]], again: Sequence[Stack] = ()):
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self.script, self.again, self.log, self.heard_of = script, list(again), [], []
        self.made: list[Scripted] = []
        self.begun_with: list[list[int]] = []
        self.finals: list[bool] = []
        self.retried: list[Stack] = []
        self.kept: list[tuple[int, bool]] = []

    def acquire(self, slot: WorkerSlot) -> Scripted:
        self.made.append(Scripted(slot, self.inbox, self.script, self.log))
        return self.made[-1]

    def release(self, workers: Any, keep: bool) -> None:
        self.kept.append((len(list(workers)), keep))

    def order(self, given: Stack) -> dict[str, Any]:
        return {"stack": len(given.pieces)}

    def begun(self, given: Stack) -> None:
        self.begun_with.append([piece.cell for piece in given.pieces])

    def heard(self, worker: Scripted, message: dict[str, Any]) -> None:
        self.heard_of.append(message["event"])

    def crashed(self, worker: Scripted, message: dict[str, Any]) -> list[Stack]:
        self.log.append(("crashed", sorted(worker.left)))
        return [self.again.pop(0)] if self.again else []

    def lost(self, worker: Scripted, final: bool) -> list[Stack]:
        self.log.append(("lost", sorted(worker.left)))
        self.finals.append(final)
        return [] if final or not self.retried else [self.retried.pop(0)]

    def work(
        self, slots: Sequence[WorkerSlot], stacks: Sequence[Stack], stopped: Callable[[], Any] = lambda: None
    ) -> list[Any]:
        Dispatcher(slots, stacks, self, self).work(stopped)  # type: ignore[arg-type]
        return self.log


def test_an_idle_worker_gets_the_next_stack_and_is_kept():
    stage = Stage({})
    assert stage.work([CPU, CPU], [stack(0, 1), stack(2), stack(3)]) == [
        ("cpu", [0, 1], {"stack": 2}),
        ("cpu", [2], {"stack": 1}),
        ("cpu", [3], {"stack": 1}),
    ]
    assert len(stage.made) == 2 and stage.kept == [(2, True)] and stage.begun_with == [[0, 1], [2], [3]]
    assert stage.heard_of == ["ended", "ended", "done", "ended", "done", "ended", "done"]


def test_news_of_a_stack_are_passed_on_and_change_nothing():
    stage = Stage({0: ["stderr", "record", "all", "done"]})
    assert stage.work([CPU], [stack(0)]) == [("cpu", [0], {"stack": 1})]
    assert stage.heard_of == ["stderr", "record", "ended", "done"]


def test_a_slot_takes_what_is_meant_for_it():
    stage = Stage({})
    log = stage.work([CPU, GPU], [stack(0), stack(1), stack(2, device="cuda")])
    assert [entry[:2] for entry in log] == [("cpu", [0]), ("cuda:0", [2]), ("cpu", [1])]
    assert Stage({}).work([CPU], []) == []


def test_a_worker_without_a_stack_is_not_made():
    stage = Stage({})
    stage.work([CPU, CPU, CPU], [stack(0)])
    assert len(stage.made) == 1 and stage.kept == [(1, True)]


def test_what_a_crash_leaves_is_handed_out_again():
    stage = Stage({0: ["ended", "crashed", "done"]}, again=[stack(1)])
    assert stage.work([CPU], [stack(0, 1, 2)]) == [
        ("cpu", [0, 1, 2], {"stack": 3}),
        ("crashed", [1, 2]),
        ("cpu", [1], {"stack": 1}),
    ]
    assert len(stage.made) == 1 and stage.made[0].left == {}


def test_a_worker_that_dies_loses_what_it_had_left_and_is_replaced():
    stage = Stage({0: ["ended", "gone"]})
    assert stage.work([CPU], [stack(0, 1), stack(2)]) == [
        ("cpu", [0, 1], {"stack": 2}),
        ("cpu", "dismissed"),
        ("lost", [1]),
        ("cpu", [2], {"stack": 1}),
    ]
    assert len(stage.made) == 2 and stage.kept == [(1, True)]


def test_what_has_crashed_is_not_lost_once_more():
    log = Stage({0: ["ended", "crashed", "gone"]}).work([CPU], [stack(0, 1)])
    assert log[1:] == [("crashed", [1]), ("cpu", "dismissed")]


@pytest.mark.parametrize("slots", [1, 2])
def test_one_who_still_works_is_waited_for_and_given_nothing_else(slots):
    stage = Stage({0: ["silent"]})
    turns = iter(range(3))

    def stopped() -> None:
        if next(turns, None) == 2:
            assert [cells for _, cells, _ in stage.log] == [[0], [1], [2]][: 1 if slots == 1 else 3]
            for event in ({"event": "ended", "cell": 0}, {"event": "done"}):
                stage.inbox.put((stage.made[0], event))

    stage.work([CPU] * slots, [stack(0), stack(1), stack(2)], stopped)
    assert stage.heard_of.count("done") == 3 and len(stage.log) == 3


@pytest.mark.parametrize("script", [["all", "gone"], ["all", "done", "gone"], ["done", "gone"]])
def test_one_that_dies_with_nothing_left_loses_nothing(script):
    assert Stage({0: script}).work([CPU], [stack(0)])[0] == ("cpu", [0], {"stack": 1})
    assert not [entry for entry in Stage({0: script}).work([CPU], [stack(0), stack(1)]) if entry[0] == "lost"]


def test_one_that_leaves_by_itself_while_all_goes_on_is_lost_too():
    assert ("lost", [0]) in Stage({0: ["leaves"]}).work([CPU], [stack(0)])


def test_a_stop_reaches_all_who_work_and_nothing_new_begins():
    stage = Stage({0: ["silent"], 1: ["silent"]})
    words = iter([None, "terminated", "interrupted"])
    log = stage.work([CPU, CPU], [stack(0), stack(1), stack(2)], lambda: next(words, "interrupted"))
    assert log[2:] == [("cpu", {"stop": "terminated"})] * 2
    assert stage.kept == [(2, False)]


@pytest.mark.parametrize(("returncode", "lost"), [(0, []), (1, [("lost", [0])])])
def test_one_that_was_told_to_stop_before_it_began_has_lost_nothing(returncode, lost):
    stage = Stage({0: ["silent"]})
    words = iter([None, "terminated"])

    def stopped() -> Any:
        word = next(words, "terminated")
        if word and stage.made[0].code:
            stage.made[0].code = returncode
            stage.inbox.put((stage.made[0], {"event": "gone"}))
        return word

    log = stage.work([CPU], [stack(0), stack(1)], stopped)
    assert [entry for entry in log if entry[0] == "lost"] == lost
    assert [entry[1] for entry in log if isinstance(entry[1], list) and entry[0] == "cpu"] == [[0]]


def test_after_a_stop_what_crashed_is_not_tried_again():
    stage = Stage({0: ["silent"]}, again=[stack(5)])
    words = iter([None, "terminated"])

    def stopped() -> Any:
        word = next(words, "terminated")
        if word:
            stage.inbox.put((stage.made[0], {"event": "crashed", "cell": 0}))
        return word

    stage.work([CPU], [stack(0)], stopped)
    assert not [entry for entry in stage.log if entry[1] == [5]]


def test_workers_are_let_go_even_where_the_sweep_breaks():
    stage = Stage({})
    stage.heard = lambda *_: 1 / 0  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        stage.work([CPU], [stack(0)])
    assert stage.kept == [(1, True)]


def test_what_a_lost_worker_leaves_is_handed_out_again_while_the_sweep_goes_on():
    stage = Stage({0: ["leaves"]})
    stage.retried = [stack(1)]
    assert [each[1] for each in stage.work([CPU], [stack(0, 1)])] == [[0, 1], "dismissed", [0, 1], [1]]
    assert stage.finals == [False] and len(stage.made) == 2
