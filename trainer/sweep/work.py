"""What a worker does with a stack: load its data, train it in its directories, report."""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Sequence
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
from trainer.run.run_directory import clear
from trainer.run.stack_run import Job, StackRun
from trainer.sweep.prune import PRUNERS

if TYPE_CHECKING:
    from trainer.sweep.pipe import Orders, Reports

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""There is no room for anybody."""

INTERVAL = 0.25  # seconds between two reports of progress


class Watch:
    """The view of a stack that reports to the parent: progress now and then, and each run that has ended."""

    def __init__(self, run: StackRun, cells: Sequence[int], report: Reports):
        self.run, self.cells, self.report = run, cells, report
        self.told: set[int] = set()
        self.best: tuple[float, int] | None = None
        self.next = 0.0

    def record(self, record: Record) -> None:
        accuracy = record.metrics.get("valid/accuracy")
        if accuracy is not None and record.status != Status.DIVERGED and (self.best is None or accuracy > self.best[0]):
            self.best = accuracy, self.cells[record.run]

    def tick(self, step: int, seconds: float) -> None:
        """After every update, when the files of runs that have ended are written."""
        self.tell_ended()
        if time.monotonic() >= self.next:
            self.report("progress", step=step, updates=self.run.training.updates, best=self.best)
            self.next = time.monotonic() + INTERVAL

    def tell_ended(self) -> None:
        if len(self.run.ended) > len(self.told):
            for run in sorted(self.run.ended - self.told):
                self.report("ended", cell=self.cells[run])
            self.told |= self.run.ended


def train_stack(order: dict[str, Any], device: str, orders: Orders, report: Reports) -> bool:
    """Train a stack to its end or until told to stop; False where it crashed."""
    jobs = [Job(Experiment.from_dict(c["config"]), Path(c["directory"]), tuple(c["overrides"])) for c in order["cells"]]
    run = None
    try:
        data, notice = tensors(jobs[0].experiment.dataset, order["fallen_back"], device)
        if notice:
            report("notice", text=notice)
        orders.training = True
        if not order["resumed"]:
            for job in jobs:
                job.directory.mkdir(exist_ok=True)
                clear(job.directory)
        run = StackRun(jobs, data, order["resumed"], PRUNERS.get(order["prune"]))
        watch = Watch(run, [c["cell"] for c in order["cells"]], report)
        run.train(watch, lambda: orders.status)
        watch.tell_ended()
        orders.training = False
        report("done")
        return True
    except Exception as error:
        _crashed(run, error, report)
        return False


@lru_cache(maxsize=1)
def tensors(dataset: Dataset, fallen_back: bool, device: str) -> tuple[Tensors, str | None]:
    """The data set on the device, there once for stack after stack, with the notice for the user. DataError where the
    parent found another one: runs of one sweep are never trained on several."""
    data = load(dataset, fallen_back)
    if not fallen_back and data.name != dataset.name:
        raise DataError(f"{dataset.name} was there when the sweep began, and now is not: {data.notice}")
    return on_device(data, resolve(device)), data.notice


def _crashed(run: StackRun | None, error: Exception, report: Reports) -> None:
    """Report what happened. A run alone writes it into its own files; in a stack nobody knows yet whose fault it was."""
    logged = False
    if run is not None and len(run.jobs) == 1:
        try:
            run.crash(error)
            logged = True
        except OSError:
            pass  # the parent tries again
    text, hopeless = _told(error)
    report("crashed", error=text, mistake=hopeless, logged=logged, traceback=traceback.format_exc())


def _told(error: Exception) -> tuple[str, bool]:
    """What happened, and whether it would happen to every run: then it is of no use to try those of a stack apart."""
    if isinstance(error, ConfigError | DataError):
        return str(error), True
    if isinstance(error, OSError) and error.errno in FULL:
        return f"a file can't be written: {error.strerror}", True
    return f"{type(error).__name__}: {error}", False
