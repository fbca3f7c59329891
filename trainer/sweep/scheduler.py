"""Keeps a sweep's books while its workers work: who trains what, how each cell ended, what to do about failures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.records import Status
from trainer.report.files import SUMMARY
from trainer.report.reading import read_summary
from trainer.sweep.cells import Cell, SweepSettings
from trainer.sweep.data import SweepData
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.existing import Existing
from trainer.sweep.failures import fail
from trainer.sweep.plan import Piece, Stack, plan
from trainer.sweep.progress import Progress
from trainer.sweep.protocols import Engine, Hand, Message, Results, View


class Scheduler:
    """One session of a sweep: the `cells` that are `found` in some state, by their number, and what an engine makes of them."""

    def __init__(
        self,
        cells: Sequence[Cell],
        found: Mapping[int, Existing],
        data: SweepData,
        engine: Engine,
        slots: Sequence[WorkerSlot],
        directory: Path,
        settings: SweepSettings,
        results: Results,
        view: Callable[[Progress], View],
    ):
        self.cells, self.slots, self.directory, self.settings = list(cells), slots, directory, settings
        self.found, self.data, self.engine, self.results = found, data, engine, results
        todo = [i for i, cell_found in found.items() if cell_found.summary is None]
        self.stacks = plan([self._piece(i, found[i]) for i in todo], slots)
        cost = sum(stack.cost for stack in self.stacks)
        self.progress = Progress(len(found), len(self.stacks), cost, skipped=len(found) - len(todo))
        self.view = view(self.progress)
        self.told = set(data.notices)
        self.losses: Counter[int] = Counter()
        self.failed_fast = self.warned = False
        for i, cell_found in found.items():
            if cell_found.summary is not None:
                self._take(i, cell_found.summary)

    def _piece(self, cell: int, cell_found: Existing) -> Piece:
        return Piece(cell, self.cells[cell].experiment, cell_found.step, cell_found.dataset)

    def work(self, stopped: Callable[[], Status | None]) -> None:
        """Train all stacks, or stop under the word of a signal, or after the first failure where that is wished."""

        def word() -> Status | None:
            self.view.tick()
            return stopped() or (Status.INTERRUPTED if self.failed_fast else None)

        self.engine.work(self.slots, self.stacks, self, word)
        self.results.write()

    def order(self, stack: Stack) -> Message:
        """A stack as its worker is told of it."""
        cells = []
        for piece in stack.pieces:
            cell = self.cells[piece.cell]
            path, config = str(self.place(piece.cell).absolute()), cell.experiment.to_dict()
            cells.append({"cell": piece.cell, "config": config, "directory": path, "overrides": list(cell.overrides)})
        fallen_back = self.cells[stack.pieces[0].cell].fallen_back
        settings = {"prune": self.settings.prune, "results": sorted(self.settings.results)}
        return {"cells": cells, "fallen_back": fallen_back, **settings}

    def begun(self, stack: Stack) -> None:
        """Somebody trains the stack from now on."""
        self.progress.running += len(stack.pieces)

    def heard(self, hand: Hand, message: Message) -> None:
        """Keep the books up to date with what is said by who trains a stack."""
        event = message["event"]
        if event == "progress":
            self._progress(hand, message)
        elif event == "ended" and message["cell"] in hand.left:
            self._ended(message["cell"], self._summary(message["cell"]))
        elif event == "done":
            self._close(hand)
        elif event == "stderr":
            self.view.warn(message["text"])
        elif event == "notice":
            self._warn_once(message["text"], title=self.data.title)
        elif event == "warning":
            self._warn_once(message["text"])

    def _warn_once(self, text: str, title: str | None = None) -> None:
        if text not in self.told:
            self.told.add(text)
            self.view.warn(text, title)

    def _progress(self, hand: Hand, message: Message) -> None:
        assert hand.stack
        self.progress.shares[id(hand)] = hand.stack.cost * message["cells"] / len(hand.stack.pieces)
        if message["best"]:
            accuracy, cell = message["best"]
            self.progress.better(accuracy, self.cells[cell].name)

    def _close(self, hand: Hand) -> None:
        assert hand.stack
        self.progress.shares.pop(id(hand), None)
        self.progress.stacks_done += 1
        self.progress.cost_done += hand.stack.cost

    def _ended(self, cell: int, summary: dict[str, Any]) -> None:
        self.progress.running -= 1
        self._take(cell, summary)
        self.results.write_soon()
        if self.results.refused and not self.warned:
            self.warned = True
            self.view.warn(f"{self.results.refusal()} The runs go on; it is tried again.")
        if summary["status"] == Status.FAILED:
            self._warn_once(f"failed: {self.cells[cell].name}: {summary['error']}")
            self.failed_fast = self.settings.fail_fast

    def _take(self, cell: int, summary: dict[str, Any]) -> None:
        self.results.take(cell, summary)
        self.progress.statuses[cell] = summary["status"]
        self.progress.better(summary.get("best/valid/accuracy"), self.cells[cell].name)

    def crashed(self, hand: Hand, message: Message) -> list[Stack]:
        """After an exception in a stack: one run has failed; of several nobody knows whose fault it was, or whether they were
        too many for the memory, so each half is tried again. What a mistake in data or device stops would stop all, and so
        would a disk that is full or gone."""
        left = list(hand.left)
        if len(left) > 1 and not message["mistake"] and self.directory.is_dir():
            return self._again(hand, left)
        for cell in left:
            logged = message["logged"]
            self._ended(
                cell, self._summary(cell) if logged else self._fail(cell, message["error"], message["traceback"])
            )
        self._close(hand)
        return []

    def lost(self, hand: Hand, final: bool) -> list[Stack]:
        """Who trained a stack was killed or ended without a word. Its cells go on from their checkpoints, in halves, each
        `retries` times; then, or where that is `final`, they have failed."""
        self.losses.update([*hand.left])
        worth = [] if final else [cell for cell in hand.left if self.losses[cell] <= self.settings.retries]
        for cell in [cell for cell in hand.left if cell not in worth]:
            self._ended(cell, self._fail(cell, hand.reason(), "".join(hand.last_words)))
        if not worth:
            self._close(hand)
            return []
        first = self.cells[worth[0]].name
        runs = f"{first} goes" if len(worth) == 1 else f"{len(worth)} runs, {first} the first, go"
        self.view.warn(f"{runs} on from the last checkpoint: {hand.reason()}")
        return self._again(hand, worth)

    def stopped(self, hand: Hand) -> list[Stack]:
        """Who trained a stack was told to leave, by others than us, and has saved all: its cells go on together."""
        return self._again(hand, list(hand.left), parts=1)

    def _again(self, hand: Hand, cells: Sequence[int], parts: int = 2) -> list[Stack]:
        """The cells once more, each half for itself. How each of them stands by now is seen by who gets them."""
        pieces = [Piece(cell, self.cells[cell].experiment) for cell in cells]
        stacks = plan(pieces, self.slots, most=math.ceil(len(cells) / parts))
        self.progress.divide(id(hand), len(cells), len(stacks))
        return stacks

    def _summary(self, cell: int) -> dict[str, Any]:
        """What a cell that has ended says of itself; that it failed, where this can't be read any more."""
        path = self.place(cell) / SUMMARY
        try:
            return read_summary(path)
        except (OSError, ValueError) as error:
            return self._fail(cell, f"{path} can't be read: {getattr(error, 'strerror', None) or error}", "")

    def _fail(self, cell: int, error: str, log: str) -> dict[str, Any]:
        return fail(self.cells[cell], self.place(cell), error, log)

    def place(self, cell: int) -> Path:
        """The cell's directory."""
        return self.directory / self.cells[cell].name
