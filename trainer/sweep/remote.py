"""Engines that have units trained on other machines: what they say is read from files in the sweep's directory, which all share.

A unit is `python -m trainer.sweep.unit`, safe to start again, so the engine may do that as often as it likes: only a unit that
is gone for good is lost. What counts in the end is what its cells' own summaries say.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from trainer.errors import STOPPED, ConfigError
from trainer.records import Status
from trainer.report.files import SUMMARY
from trainer.report.reading import read_summary
from trainer.run.lease import is_stale
from trainer.sweep.cells import SweepSettings
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.plan import Stack
from trainer.sweep.protocols import Listener, Message
from trainer.sweep.remote_unit import RemoteUnit

UNITS = ".units"
"""Below the sweep's directory: what its units said."""

HEAR = 1.0  # seconds between two looks at what units say, or more where they are many
LOOK = 3.0  # seconds between two questions which of them there still are
MEMORY = 8 << 30  # bytes for a stack, about: the machine it comes to looks again, and cuts smaller


class RemoteEngine(ABC):
    """What all clusters have in common. `workers`: how many units at once, None: as many as the cluster likes."""

    def __init__(self, directory: Path, settings: SweepSettings):
        self.directory, self.settings = directory.absolute(), settings
        self.units: list[RemoteUnit] = []
        self.hear_at = self.look_at = 0.0

    @abstractmethod
    def ask(self) -> None:
        """ConfigError where there is no such cluster, or it does not take the options."""

    @abstractmethod
    def accelerated(self) -> bool:
        """Whether units are given GPUs."""

    @abstractmethod
    def submit(self, stacks: Sequence[Stack]) -> list[RemoteUnit]:
        """Hand stacks to the cluster. Raises ConfigError where it refuses them."""

    @abstractmethod
    def gone(self) -> Collection[RemoteUnit]:
        """The units that the cluster has no more, each with the reason `why`, as far as it says."""

    @abstractmethod
    def cancel(self) -> None:
        """Have all units stop, which save what they have."""

    @abstractmethod
    def cores(self) -> int:
        """How many stacks a unit trains at once."""

    def slots(self, devices: Collection[str], cells: int) -> list[WorkerSlot]:
        wanted = [slot for slot in self._kinds() if any(slot.takes(word) for word in devices)]
        return [slot for slot in wanted for _ in range(min(self.settings.workers or 1, cells))]

    def _kinds(self) -> list[WorkerSlot]:
        kinds = ("cuda:0", "cpu") if self.accelerated() else ("cpu",)
        return [WorkerSlot(device, MEMORY, self.accelerated(), self.cores()) for device in kinds]

    def check(self, devices: Collection[str]) -> None:
        for word in devices:
            if not any(slot.takes(word) for slot in self._kinds()):
                cure = "" if self.accelerated() else "add hydra.launcher.gpus=1, or "
                raise ConfigError(f"device={word} is not what units are given here: {cure}choose device=auto.")
        self.ask()

    def work(
        self,
        slots: Sequence[WorkerSlot],
        stacks: Sequence[Stack],
        listener: Listener,
        stopped: Callable[[], Status | None],
    ) -> None:
        (self.directory / UNITS).mkdir(exist_ok=True)
        stopping = False
        try:
            self.units = self.submit(stacks) if stacks else []
            while self.units:
                if stopped() and not stopping:
                    stopping = True
                    self.cancel()
                self._hear(listener)
                self._look(listener, stopping)
                time.sleep(0.1)
        except BaseException:
            self.cancel()
            raise

    def _hear(self, listener: Listener) -> None:
        if time.monotonic() < self.hear_at:
            return
        for unit in self.units:
            for message in unit.news():
                self._told(unit, message, listener)
        self.hear_at = time.monotonic() + max(HEAR, len(self.units) / 100)

    def _told(self, unit: RemoteUnit, message: Message, listener: Listener) -> None:
        self._begun(unit, listener)
        unit.take(message)
        if message["event"] != "done":  # that is said when it has gone
            listener.heard(unit, message)
        if message["event"] == "ended":
            unit.left.pop(message["cell"], None)

    def _begun(self, unit: RemoteUnit, listener: Listener) -> None:
        if not unit.begun:
            unit.begun = True
            listener.begun(unit.stack)

    def _look(self, listener: Listener, stopping: bool) -> None:
        if time.monotonic() < self.look_at:
            return
        for unit in self.gone():
            self.units.remove(unit)
            self._settle(unit, listener, stopping)
        self.look_at = time.monotonic() + LOOK

    def _settle(self, unit: RemoteUnit, listener: Listener, stopping: bool) -> None:
        """A unit is no more: its last words, then what is on disk, then whether its stack is done or is tried again."""
        for message in unit.news():
            self._told(unit, message, listener)
        for cell in list(unit.left):
            if self._has_ended(listener.place(cell), stopping):
                self._told(unit, {"event": "ended", "cell": cell}, listener)
        if not unit.left:
            return listener.heard(unit, {"event": "done"})
        if stopping:
            return
        self._begun(unit, listener)
        again = listener.stopped(unit) if unit.advanced() else listener.lost(unit, final=False)
        if again:
            self.units += self.submit(again)

    def _has_ended(self, directory: Path, stopping: bool) -> bool:
        """Whether a cell needs no more work, or, when all is being stopped, has been left by who trained it."""
        try:
            summary = read_summary(directory / SUMMARY)
        except (OSError, ValueError):
            return False
        done = summary["status"] in self.settings.results  # one that says `failed` may mean an earlier try
        return done or (stopping and (summary["status"] in STOPPED or is_stale(summary, directory)))
