"""The parent's side of the workers: hand out stacks, hear how they go, replace workers that are lost."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from trainer.records import Status
from trainer.sweep.child import command, deaf, environment
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.plan import Piece, Stack

Message = dict[str, Any]
PATIENCE = 5.0  # seconds that a worker with nothing to do has to leave


class Worker:
    """A child process at a slot; what it says is put into the workers's inbox, last of all that it has gone."""

    def __init__(self, slot: WorkerSlot, inbox: SimpleQueue[tuple[Worker, Message]]):
        self.slot, self.inbox = slot, inbox
        self.stack: Stack | None = None
        self.left: dict[int, Piece] = {}
        self.last_words: deque[str] = deque(maxlen=50)
        with deaf():
            self.process = subprocess.Popen(
                command("trainer.sweep.worker", slot.device),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(slot.device),
                text=True,
            )
        self.ears = [threading.Thread(target=ear, daemon=True) for ear in (self._hear_errors, self._hear)]
        for ear in self.ears:
            ear.start()

    def _hear_errors(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            for line in lines:
                self.last_words.append(line)
                self.inbox.put((self, {"event": "stderr", "text": line.rstrip()}))

    def _hear(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # a kill may cut the last one short
                    self.inbox.put((self, json.loads(line)))
        self.process.wait()
        self.ears[0].join(1.0)
        self.inbox.put((self, {"event": "gone"}))

    def give(self, stack: Stack, order: Message) -> None:
        """Hand it a stack to train."""
        self.stack, self.left = stack, {piece.cell: piece for piece in stack.pieces}
        self.send(order)

    def send(self, order: Message) -> None:
        """Send an order; one that has gone is heard of otherwise."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            pass

    def dismiss(self) -> None:
        """Let it go: with its stdin it ends by itself."""
        assert self.process.stdin
        try:
            self.process.stdin.close()
        except OSError:
            pass

    def end(self) -> None:
        """Wait until it has gone, and see to it."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
        for ear in self.ears:
            ear.join()


class Listener(Protocol):
    """Who the workers works for."""

    def order(self, stack: Stack) -> Message: ...

    def heard(self, worker: Worker, message: Message) -> None: ...

    def crashed(self, worker: Worker, message: Message) -> list[Stack]: ...

    def lost(self, worker: Worker) -> None: ...


class Crew:
    """Workers from one sweep to the next: an idle one waits with torch imported and its data loaded, which takes seconds.

    A context manager: at its end all of them leave."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[tuple[Worker, Message]] = SimpleQueue()
        self.idle: list[Worker] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        _send_home(self.idle)

    def hire(self, slot: WorkerSlot) -> Worker:
        """An idle worker of the slot's device, or a new one."""
        for worker in self.idle:
            if worker.slot.device == slot.device and worker.process.poll() is None:
                self.idle.remove(worker)
                return worker
        return Worker(slot, self.inbox)

    def take_back(self, workers: Iterable[Worker], keep: bool) -> None:
        """Workers that a sweep no longer needs; those in the middle of a stack, and all where they were told to stop, leave."""
        workers = list(workers)
        stay = [worker for worker in workers if keep and not worker.stack]
        self.idle += stay
        _send_home([worker for worker in workers if worker not in stay])


def _send_home(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.dismiss()
    for worker in workers:
        worker.end()


class WorkerPool:
    """Workers at their slots and the stacks that wait for them."""

    def __init__(self, slots: Sequence[WorkerSlot], stacks: Sequence[Stack], scheduler: Listener, crew: Crew):
        self.waiting, self.scheduler, self.crew = list(stacks), scheduler, crew
        self.inbox = crew.inbox
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
            self.crew.take_back(filter(None, self.workers), keep=not self.stopping)

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
                worker = self.workers[index] = worker or self.crew.hire(slot)
                worker.give(stack, self.scheduler.order(stack))

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
        """A worker is no more. What it left unfinished has failed, unless it was told to stop before it began."""
        worker.dismiss()
        if worker in self.workers:
            self.workers[self.workers.index(worker)] = None
        if worker.left and worker.stack and not (self.stopping and worker.process.returncode == 0):
            self.scheduler.lost(worker)
        worker.stack = None
