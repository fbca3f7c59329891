"""Keeps a sweep's books while its workers works: who trains what, how each cell ended, what to do about failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainer.records import Status
from trainer.report.files import SUMMARY
from trainer.report.reading import read_summary
from trainer.sweep.cells import Cell, SweepSettings
from trainer.sweep.data import SweepData
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.dispatch import Dispatcher
from trainer.sweep.existing import Existing, saved
from trainer.sweep.failures import fail, reason
from trainer.sweep.plan import Piece, Stack, plan
from trainer.sweep.progress import Progress
from trainer.sweep.results import Results
from trainer.sweep.view import Look, SweepConsole
from trainer.sweep.workers import Message, Worker, WorkerPool


class Scheduler:
    """One session of a sweep: `cells` are this command's, `every` also those of earlier commands in the same directory."""

    def __init__(
        self,
        cells: Sequence[Cell],
        every: Sequence[Cell],
        found: Sequence[Existing],
        data: SweepData,
        slots: Sequence[WorkerSlot],
        directory: Path,
        settings: SweepSettings,
        look: Look,
        pool: WorkerPool,
    ):
        self.cells, self.slots, self.directory, self.settings = list(cells), slots, directory, settings
        self.pool = pool
        self.results = Results(directory, every)
        self.found, self.data = found, data
        todo = [i for i, cell_found in enumerate(found) if cell_found.summary is None]
        self.stacks = plan([self._piece(i, found[i]) for i in todo], slots)
        cost = sum(stack.cost for stack in self.stacks)
        self.progress = Progress(len(cells), len(self.stacks), cost, skipped=len(cells) - len(todo))
        self.view = SweepConsole(self.progress, look)
        self.notices = set(data.notices)
        self.failed_fast = self.warned = False
        self._take_finished(every)

    def _take_finished(self, every: Sequence[Cell]) -> None:
        for i, cell_found in enumerate(self.found):
            if cell_found.summary is not None:
                self._take(i, cell_found.summary)
        for i in range(len(self.cells), len(every)):
            path = self.directory / every[i].name / SUMMARY
            with suppress(OSError, ValueError):
                self.results.take(i, read_summary(path))

    def _piece(self, cell: int, cell_found: Existing) -> Piece:
        return Piece(cell, self.cells[cell].experiment, cell_found.step, cell_found.dataset)

    def work(self, stopped: Callable[[], Status | None]) -> None:
        """Train all stacks, or stop under the word of a signal, or after the first failure where that is wished."""

        def word() -> Status | None:
            self.view.tick()
            return stopped() or (Status.INTERRUPTED if self.failed_fast else None)

        self.dispatcher = Dispatcher(self.slots, self.stacks, self, self.pool)
        self.dispatcher.work(word)
        self.results.write()

    def order(self, stack: Stack) -> Message:
        """A stack as its worker is told of it."""
        cells = []
        for piece in stack.pieces:
            cell = self.cells[piece.cell]
            path, config = str((self.directory / cell.name).absolute()), cell.experiment.to_dict()
            cells.append({"cell": piece.cell, "config": config, "directory": path, "overrides": list(cell.overrides)})
        self.progress.running += len(cells)
        fallen_back = stack.experiment.dataset in self.data.fallen_back
        return {"cells": cells, "resumed": stack.resumed, "fallen_back": fallen_back, "prune": self.settings.prune}

    def heard(self, worker: Worker, message: Message) -> None:
        """Keep the books up to date with what a worker says."""
        event = message["event"]
        if event == "progress":
            self._progress(worker, message)
        elif event == "ended":
            self._ended(message["cell"], self._summary(message["cell"]))
        elif event == "done":
            self._close(worker)
        elif event == "stderr":
            self.view.warn(message["text"])
        elif event == "notice" and message["text"] not in self.notices:
            self.notices.add(message["text"])
            self.view.warn(message["text"], title=self.data.title)

    def _progress(self, worker: Worker, message: Message) -> None:
        assert worker.stack
        self.progress.shares[id(worker)] = worker.stack.cost * message["step"] / max(1, message["updates"])
        if message["best"]:
            accuracy, cell = message["best"]
            self.progress.better(accuracy, self.cells[cell].name)

    def _close(self, worker: Worker) -> None:
        assert worker.stack
        self.progress.shares.pop(id(worker), None)
        self.progress.stacks_done += 1
        self.progress.cost_done += worker.stack.cost

    def _ended(self, cell: int, summary: dict[str, Any]) -> None:
        self.progress.running -= 1
        self._take(cell, summary)
        self.results.write_soon()
        if self.results.refused and not self.warned:
            self.warned = True
            self.view.warn(f"{self.results.refusal()} The runs go on; it is tried again.")

    def _take(self, cell: int, summary: dict[str, Any]) -> None:
        self.results.take(cell, summary)
        self.progress.statuses[cell] = summary["status"]
        self.progress.better(summary.get("best/valid/accuracy"), self.cells[cell].name)

    def crashed(self, worker: Worker, message: Message) -> list[Stack]:
        """After an exception in a stack: one run has failed; of several nobody knows whose fault it was, or whether they were
        too many for the memory, so each half is tried again. What a mistake in data or device stops would stop all, and so
        would a disk that is full or gone."""
        left = list(worker.left)
        if len(left) > 1 and not message["mistake"] and self.directory.is_dir():
            stacks = self._halves(left)
            self.progress.divide(id(worker), len(left), len(stacks))
            return stacks
        for cell in left:
            logged = message["logged"]
            self._failed(
                cell, self._summary(cell) if logged else self._fail(cell, message["error"], message["traceback"])
            )
        self._close(worker)
        return []

    def _halves(self, cells: Sequence[int]) -> list[Stack]:
        found = [saved(self.cells[i].experiment, self.directory / self.cells[i].name) for i in cells]
        pieces = [self._piece(i, cell_found) for i, cell_found in zip(cells, found, strict=True)]
        return plan(pieces, self.slots, most=math.ceil(len(cells) / 2))

    def lost(self, worker: Worker) -> None:
        """A worker was killed or ended by itself: its cells have failed, and nobody else's."""
        for cell in worker.left:
            self._failed(cell, self._fail(cell, reason(worker.process.returncode), "".join(worker.last_words)))
        self._close(worker)

    def _summary(self, cell: int) -> dict[str, Any]:
        """What a cell that has ended says of itself; that it failed, where this can't be read any more."""
        path = self.directory / self.cells[cell].name / SUMMARY
        try:
            return read_summary(path)
        except (OSError, ValueError) as error:
            return self._fail(cell, f"{path} can't be read: {getattr(error, 'strerror', None) or error}", "")

    def _fail(self, cell: int, error: str, log: str) -> dict[str, Any]:
        return fail(self.cells[cell], self.directory / self.cells[cell].name, error, log)

    def _failed(self, cell: int, summary: dict[str, Any]) -> None:
        self._ended(cell, summary)
        self.view.warn(f"failed: {self.cells[cell].name}: {summary['error']}")
        self.failed_fast = self.settings.fail_fast
