"""What a sweep's scheduler asks of those it works with: an engine, who trains a stack, where it is seen and kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from trainer.records import Status
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.plan import Piece, Stack

Message = dict[str, Any]
"""What is said by who trains a stack: `event` is progress, ended, done, crashed, notice (of the data), warning or stderr."""


class Hand(Protocol):
    """Who trains a stack: a worker process, a job, a task. `left` are the cells that have not ended."""

    @property
    def stack(self) -> Stack | None: ...

    left: dict[int, Piece]

    @property
    def last_words(self) -> Iterable[str]:
        """What it wrote to stderr last."""
        ...

    def reason(self) -> str:
        """Why it is no more, in words."""
        ...


class Listener(Protocol):
    """Who hears of it: the scheduler. `crashed`, `lost` and `stopped` answer with the stacks that are to be tried again."""

    def order(self, stack: Stack) -> Message: ...

    def begun(self, stack: Stack) -> None: ...

    def heard(self, hand: Hand, message: Message) -> None: ...

    def crashed(self, hand: Hand, message: Message) -> list[Stack]: ...

    def lost(self, hand: Hand, final: bool) -> list[Stack]: ...

    def stopped(self, hand: Hand) -> list[Stack]: ...

    def place(self, cell: int) -> Path: ...


class Engine(Protocol):
    """Finds processes for stacks, on this machine or on others."""

    def where(self, slots: Sequence[WorkerSlot]) -> str:
        """Where stacks are trained, in words."""
        ...

    def check(self, devices: Collection[str]) -> None:
        """ConfigError where it can't be had, or not with these devices. Quick: asked before anything is written."""
        ...

    def slots(self, devices: Collection[str], cells: int) -> list[WorkerSlot]:
        """The slots for which stacks are planned, for experiments with these `device` words. Raises ConfigError."""
        ...

    def work(
        self,
        slots: Sequence[WorkerSlot],
        stacks: Sequence[Stack],
        listener: Listener,
        stopped: Callable[[], Status | None],
    ) -> None:
        """See to it until all stacks are done, or until those begun have stopped under the word that `stopped()` names."""
        ...


class View(Protocol):
    """Where a person, or the parent of a unit, sees how it goes. A context manager."""

    def __enter__(self) -> Any: ...

    def __exit__(self, *_: object) -> None: ...

    def tick(self) -> None: ...

    def say(self, text: str, style: str = "") -> None: ...

    def warn(self, text: str, title: str | None = None) -> None: ...

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something that writes where the view does."""
        ...


class Results(Protocol):
    """Where it is kept how the cells ended."""

    summaries: dict[int, dict[str, Any]]
    refused: OSError | None

    def take(self, cell: int, summary: dict[str, Any]) -> None: ...

    def write_soon(self) -> None: ...

    def write(self) -> None: ...

    def refusal(self) -> str: ...
