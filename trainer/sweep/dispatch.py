"""The engine of this machine: hand out stacks to workers, hear how they go, replace workers that are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from queue import Empty

from trainer.records import Status
from trainer.sweep.devices import WorkerSlot, find_slots
from trainer.sweep.plan import Stack
from trainer.sweep.protocols import Listener, Message
from trainer.sweep.starting import prepare
from trainer.sweep.workers import Worker, WorkerPool


class LocalEngine:
    """This machine's cores or GPUs. The workers of a `pool` wait for its next sweep; without one they leave at the end."""

    def __init__(self, workers: int | None = None, pool: WorkerPool | None = None):
        self.workers, self.pool = workers, pool

    def where(self, slots: Sequence[WorkerSlot]) -> str:
        return ", ".join(_workers(*each) for each in Counter(slot.device for slot in slots).items())

    def check(self, devices: Collection[str]) -> None:
        pass  # that of each run says more

    def slots(self, devices: Collection[str], cells: int) -> list[WorkerSlot]:
        slots = find_slots(devices, self.workers, cells)
        if any(slot.device == "cpu" for slot in slots):
            prepare()
        return slots

    def work(
        self,
        slots: Sequence[WorkerSlot],
        stacks: Sequence[Stack],
        listener: Listener,
        stopped: Callable[[], Status | None],
    ) -> None:
        with nullcontext(self.pool) if self.pool else WorkerPool() as pool:
            Dispatcher(slots, stacks, listener, pool).work(stopped)


class Dispatcher:
    """Workers at their slots and the stacks that wait for them."""

    def __init__(self, slots: Sequence[WorkerSlot], stacks: Sequence[Stack], scheduler: Listener, pool: WorkerPool):
        self.waiting, self.scheduler, self.pool = list(stacks), scheduler, pool
        self.inbox = pool.inbox
        self.workers: list[Worker | None] = [None] * len(slots)
        self.slots = list(slots)
        self.stopping = False

    def work(self, stopped: Callable[[], Status | None]) -> None:
        """Until all stacks are done, or those begun have stopped under the word that `stopped()` has named."""
        try:
            while self.waiting or any(worker and worker.stack for worker in self.workers):
                word = stopped()
                if word and not self.stopping:
                    self._stop(word)
                self._employ()
                self._listen()
        finally:
            self.pool.release(filter(None, self.workers), keep=not self.stopping)

    def _stop(self, word: str) -> None:
        self.stopping = True
        self.waiting.clear()
        for worker in filter(None, self.workers):
            worker.send({"stop": word})

    def _employ(self) -> None:
        """Give every idle slot the next stack that it takes, and a worker where it has none."""
        for index, slot in enumerate(self.slots):
            worker = self.workers[index]
            if worker and worker.stack:
                continue
            stack = next((stack for stack in self.waiting if slot.takes(stack.experiment.device)), None)
            if stack:
                self.waiting.remove(stack)
                worker = self.workers[index] = worker or self.pool.acquire(slot)
                worker.give(stack, self.scheduler.order(stack))
                self.scheduler.begun(stack)

    def _listen(self) -> None:
        """Hear what has been said, after a short wait for the first word."""
        try:
            self._hear(*self.inbox.get(timeout=0.1))
            while True:
                self._hear(*self.inbox.get_nowait())
        except Empty:
            pass

    def _hear(self, worker: Worker, message: Message) -> None:
        event = message["event"]
        self.scheduler.heard(worker, message)
        if event == "ended":
            worker.left.pop(message["cell"], None)
        elif event == "done":
            worker.stack = None
        elif event == "crashed":
            self.waiting += [] if self.stopping else self.scheduler.crashed(worker, message)
            worker.left.clear()
        elif event == "gone":
            self._gone(worker)

    def _gone(self, worker: Worker) -> None:
        """A worker is no more. What it left unfinished was lost with it, unless it was told to stop before it began."""
        worker.dismiss()
        if worker in self.workers:
            self.workers[self.workers.index(worker)] = None
        if worker.left and worker.stack and not (self.stopping and worker.code == 0):
            again = self.scheduler.lost(worker, final=self.stopping)
            self.waiting += again
        worker.stack = None


def _workers(device: str, count: int) -> str:
    name = "CPU worker" if device == "cpu" else "worker"
    return f"{count} {name}{'s' * (count != 1)}{f' on {device}' * (device != 'cpu')}"
