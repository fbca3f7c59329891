"""Worker processes from the parent's side: what is sent to one, what it says, and those that wait for the next sweep."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from queue import SimpleQueue

from trainer.sweep.child import command, deaf, environment
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.failures import reason
from trainer.sweep.plan import Piece, Stack
from trainer.sweep.protocols import Message

PATIENCE = 5.0  # seconds that a worker with nothing to do has to leave


class Worker:
    """A child process at a slot; what it says is put into the pool's inbox, last of all that it has gone."""

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

    def reason(self) -> str:
        """How it ended, in words."""
        return reason(self.process.returncode)

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
            if worker.slot.device == slot.device and worker.process.poll() is None:
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
