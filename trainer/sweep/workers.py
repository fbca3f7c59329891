"""Worker processes from the parent's side: what is sent to one, what it says, and those that wait for the next sweep."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from queue import SimpleQueue

from trainer.sweep.devices import WorkerSlot
from trainer.sweep.failures import reason
from trainer.sweep.plan import Piece, Stack
from trainer.sweep.protocols import Message
from trainer.sweep.starting import begin

PATIENCE = 5.0  # seconds that a worker with nothing to do has to leave


class Worker:
    """A child process at a slot; what it says is put into the pool's inbox, last of all that it has gone."""

    def __init__(self, slot: WorkerSlot, inbox: SimpleQueue[tuple[Worker, Message]]):
        self.slot, self.inbox = slot, inbox
        self.stack: Stack | None = None
        self.left: dict[int, Piece] = {}
        self.last_words: deque[str] = deque(maxlen=50)
        self.pid: int | None = None  # until it has begun
        self.code: int | None = None  # its exit code, once it has gone
        (stdin, orders), (reports, stdout), (errors, stderr) = os.pipe(), os.pipe(), os.pipe()
        self.orders = os.fdopen(orders, "w", encoding="utf-8")
        begin(slot.device, (stdin, stdout, stderr))
        hear = {self._hear_errors: errors, self._hear: reports}
        self.ears = [threading.Thread(target=ear, args=(file,), daemon=True) for ear, file in hear.items()]
        for ear in self.ears:
            ear.start()

    def _hear_errors(self, file: int) -> None:
        with os.fdopen(file, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self.last_words.append(line)
                self.inbox.put((self, {"event": "stderr", "text": line.rstrip()}))

    def _hear(self, file: int) -> None:
        with os.fdopen(file, encoding="utf-8") as lines:
            for message in filter(None, map(_message, lines)):
                if message["event"] == "begun":
                    self.pid = message["pid"]
                elif message["event"] == "gone":
                    self.code = message["code"]
                else:
                    self.inbox.put((self, message))
        self.ears[0].join(1.0)
        self.inbox.put((self, {"event": "gone"}))

    def give(self, stack: Stack, order: Message) -> None:
        """Hand it a stack to train."""
        self.stack, self.left = stack, {piece.cell: piece for piece in stack.pieces}
        self.send(order)

    def send(self, order: Message) -> None:
        """Send an order; one that has gone is heard of otherwise."""
        with suppress(OSError, ValueError):
            self.orders.write(json.dumps(order) + "\n")
            self.orders.flush()

    def reason(self) -> str:
        """How it ended, in words."""
        return reason(self.code)

    def has_gone(self) -> bool:
        return not self.ears[1].is_alive()

    def dismiss(self) -> None:
        """Let it go: with its stdin it ends by itself."""
        with suppress(OSError):
            self.orders.close()

    def end(self) -> None:
        """Wait until it has gone, and see to it."""
        self.dismiss()
        self.ears[1].join(PATIENCE)
        if not self.has_gone():
            self.kill()
        for ear in self.ears:
            ear.join()

    def kill(self) -> None:
        if self.pid is not None and self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _message(line: str) -> Message | None:
    """None for the line that a kill has cut short."""
    try:
        message: Message = json.loads(line)
        return message
    except ValueError:
        return None


class WorkerPool:
    """Workers from one sweep to the next: an idle one waits with torch imported and its data loaded, which takes seconds.

    A context manager: at its end all of them leave."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[tuple[Worker, Message]] = SimpleQueue()
        self.idle: list[Worker] = []

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        _send_home(self.idle)

    def acquire(self, slot: WorkerSlot) -> Worker:
        """An idle worker of the slot's device, or a new one."""
        for worker in self.idle:
            if worker.slot.device == slot.device and not worker.has_gone():
                self.idle.remove(worker)
                return worker
        return Worker(slot, self.inbox)

    def release(self, workers: Iterable[Worker], keep: bool) -> None:
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
