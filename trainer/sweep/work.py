"""What a worker does with an order: see how its cells stand, train what is left of them in their directories, report.

An order may come again, to another worker and on another machine, after a part of it was done: cells that have ended are passed
over, others go on from their checkpoints, the rest begins.
"""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.data.datasets import Dataset
from trainer.data.loading import load
from trainer.data.tensors import Tensors, on_device
from trainer.engine.devices import resolve
from trainer.errors import ConfigError, DataError
from trainer.experiment import Experiment
from trainer.records import Record, Status
from trainer.run.lease import Lease, LeaseLost, Taken
from trainer.run.run_directory import clear
from trainer.run.stack_run import Job, StackRun
from trainer.sweep.existing import existing, move_aside
from trainer.sweep.prune import PRUNERS

if TYPE_CHECKING:
    from trainer.sweep.pipe import Orders, Reports

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""There is no room for anybody."""

GIVEN = ("epochs", "dataset.path")
"""By these alone may what lies in a directory differ from an order and go on: what else differed was moved aside before."""

INTERVAL = 0.25  # seconds between two reports of progress
PATIENCE = 1.0  # seconds between two looks at a directory in which another process still trains


class Watch:
    """The view of a stack that reports to the parent: progress now and then, and each run that has ended. `before`: how many
    of the order's cells were done before this stack."""

    def __init__(self, run: StackRun, cells: Sequence[int], before: int, report: Reports):
        self.run, self.cells, self.before, self.report = run, cells, before, report
        self.told: set[int] = set()
        self.best: tuple[float, int] | None = None
        self.next = 0.0

    def record(self, record: Record) -> None:
        accuracy = record.metrics.get("valid/accuracy")
        if accuracy is not None and record.status != Status.DIVERGED and (self.best is None or accuracy > self.best[0]):
            self.best = accuracy, self.cells[record.run]

    def tick(self, step: int, seconds: float) -> None:
        """After every update, or a few; the files of runs that have ended are written by then."""
        self.tell_ended()
        if time.monotonic() >= self.next:
            done = self.before + len(self.cells) * step / max(1, self.run.training.updates)
            self.report("progress", cells=done, best=self.best)
            self.next = time.monotonic() + INTERVAL

    def tell_ended(self) -> None:
        if len(self.run.ended) > len(self.told):
            for run in sorted(self.run.ended - self.told):
                self.report("ended", cell=self.cells[run])
            self.told |= self.run.ended


class Work:
    """An order in a worker's hands."""

    def __init__(self, order: dict[str, Any], device: str, orders: Orders, report: Reports):
        self.jobs = {
            c["cell"]: Job(Experiment.from_dict(c["config"]), Path(c["directory"]), tuple(c["overrides"]))
            for c in order["cells"]
        }
        self.order, self.device, self.orders, self.report = order, device, orders, report
        self.run: StackRun | None = None
        self.lease: Lease | None = None
        self.done = 0

    def train(self) -> bool:
        """Train to the end or until told to stop; False where a stack crashed. Raises LeaseLost."""
        event, facts = self._outcome()
        self.report(event, **facts)  # when the directories are free again
        return event == "done"

    def _outcome(self) -> tuple[str, dict[str, Any]]:
        try:
            data, notice = tensors(
                next(iter(self.jobs.values())).experiment.dataset, self.order["fallen_back"], self.device
            )
            if notice:
                self.report("notice", text=notice)
            self.lease = self._hold()
            self.orders.training = True
            for step, cells in self._due().items():
                if not self.orders.status:
                    self._train(cells, step is not None, data)
            self.orders.training = False
            return "done", {}
        except LeaseLost:
            raise
        except Exception as error:
            return "crashed", self._crashed(error)
        finally:
            if self.lease:
                self.lease.release()

    def _hold(self) -> Lease:
        """The cells' directories, waited for where another process still trains there: that of an earlier try which did not
        hear that it was given up, or had no time to say that it left."""
        for job in self.jobs.values():
            job.directory.mkdir(exist_ok=True)
        told = False
        while True:
            try:
                return Lease(job.directory for job in self.jobs.values())
            except Taken as taken:
                if not told:
                    self.report("warning", text=f"{taken} Waiting until it leaves.")
                told = True
                time.sleep(PATIENCE)

    def _due(self) -> Mapping[int | None, list[int]]:
        """The cells that have not ended, by the update from which they go on; None: from the start."""
        due: dict[int | None, list[int]] = {}
        for cell, job in self.jobs.items():
            found = existing(job.experiment, job.directory, self.order["results"], GIVEN, held=True)
            if found.summary is not None:
                self.report("ended", cell=cell)
                self.done += 1
                continue
            if found.replaced:
                self.report("warning", text=f"{found.damaged or job.directory} That run begins anew.")
                move_aside(job.directory)
            due.setdefault(found.step, []).append(cell)
        return due

    def _train(self, cells: Sequence[int], resumed: bool, data: Tensors) -> None:
        jobs = [self.jobs[cell] for cell in cells]
        if not resumed:
            for job in jobs:
                clear(job.directory)
        run = self.run = StackRun(jobs, data, resumed, PRUNERS.get(self.order["prune"]), self.lease)
        watch = Watch(run, cells, self.done, self.report)
        run.train(watch, lambda: self.orders.status)
        watch.tell_ended()
        self.done += len(cells)

    def _crashed(self, error: Exception) -> dict[str, Any]:
        """What happened. A run alone writes it into its own files; in a stack nobody knows yet whose fault it was."""
        logged = False
        if self.run is not None and len(self.run.jobs) == 1:
            try:
                self.run.crash(error)
                logged = True
            except (OSError, LeaseLost):
                pass  # the parent tries again
        text, hopeless = _told(error)
        return {"error": text, "mistake": hopeless, "logged": logged, "traceback": traceback.format_exc()}


@lru_cache(maxsize=1)
def tensors(dataset: Dataset, fallen_back: bool, device: str) -> tuple[Tensors, str | None]:
    """The data set on the device, there once for stack after stack, with the notice for the user. DataError where the
    parent found another one: runs of one sweep are never trained on several."""
    data = load(dataset, fallen_back)
    if not fallen_back and data.name != dataset.name:
        raise DataError(f"{dataset.name} was there when the sweep began, and now is not: {data.notice}")
    return on_device(data, resolve(device)), data.notice


def _told(error: Exception) -> tuple[str, bool]:
    """What happened, and whether it would happen to every run: then it is of no use to try those of a stack apart."""
    if isinstance(error, ConfigError | DataError):
        return str(error), True
    if isinstance(error, OSError) and error.errno in FULL:
        return f"a file can't be written: {error.strerror}", True
    return f"{type(error).__name__}: {error}", False
