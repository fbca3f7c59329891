"""The parent's side of the workers: hand out stacks, hear how they go, replace workers that are lost."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
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


class WorkerPool:
    """Workers at their slots and the stacks that wait for them."""

    def __init__(self, slots: Sequence[WorkerSlot], stacks: Sequence[Stack], scheduler: Listener):
        self.waiting, self.scheduler = list(stacks), scheduler
        self.inbox: SimpleQueue[tuple[Worker, Message]] = SimpleQueue()
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
            for worker in filter(None, self.workers):
                worker.dismiss()
            for worker in filter(None, self.workers):
                worker.end()

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
                worker = self.workers[index] = worker or Worker(slot, self.inbox)
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
