"""Everything one run leaves behind in its directory, kept up to date while it trains."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer import checkpoint
from trainer.export import MODEL, plain_module
from trainer.network import Layout
from trainer.records import Record
from trainer.report.files import (
    CONFIG,
    METRICS,
    SUMMARY,
    LogFile,
    MetricsFile,
    as_row,
    read_metrics,
    write_json,
    write_whole,
    write_yaml,
)
from trainer.report.tensorboard import TensorBoard
from trainer.state import State
from trainer.summary import Summary

BEST = "best.pt"


class Guarded:
    """A log, whose failure is said once and then never stops the training: results are what must not fail."""

    def __init__(self, name: str, make: Callable[[], Any]):
        self.name, self.log = name, None
        self.log = self._try(make)

    def __call__(self, method: str, *arguments: Any) -> None:
        log = self.log
        if log is not None:
            self._try(lambda: getattr(log, method)(*arguments))

    def _try(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError as error:
            self.log = None
            print(f"train: {self.name} can't be written and is left out from here: {error}", file=sys.stderr)
            return None


class RunDirectory:
    """The files of one run: configuration, metrics, summary, checkpoints, model, and the logs beside them."""

    def __init__(self, directory: Path, summary: Summary, layout: Layout, resumed_at: int | None = None):
        """Begin, or go on after the first `resumed_at` updates. OSError where a result can't be written."""
        self.directory, self.summary, self.layout = directory, summary, layout
        experiment = summary.experiment
        rows = read_metrics(directory / METRICS, resumed_at) if resumed_at is not None else []
        if (
            resumed_at != summary.facts.updates
        ):  # what was the end is none any more: test metrics belong to the end alone
            rows = [{name: x for name, x in row.items() if not name.startswith("test/")} for row in rows]
        for row in rows:
            summary.add(row)
        write_yaml(directory / CONFIG, experiment.to_dict())
        self.metrics = MetricsFile(directory, rows)
        self.log = Guarded(f"{directory}/train.log", lambda: LogFile(directory))
        self.tensorboard = Guarded("TensorBoard's file", lambda: TensorBoard(directory, experiment, resumed_at or 0))
        self.best: State | None = None
        self.log("write", f"{'resumed' if resumed_at else 'started'} on {summary.facts.device}, step {resumed_at or 0}")
        self._write_summary()

    def record(self, record: Record, state_of: Callable[[int], State]) -> None:
        """Take in a record; the state is kept where it is the best so far."""
        self.metrics.record(record)
        if self.summary.add(as_row(record)) and record.status != "diverged":
            self.best = state_of(record.run)
        self.log("record", record)
        self.tensorboard("record", record)

    def save(self, state: State) -> None:
        """Write the last state and the best; the old ones stay whole where that fails (OSError)."""
        if self.best is not None:
            write_whole(self.directory / BEST, self._weights(self.best))
            self.best = None
        checkpoint.save(self.directory, self.summary.experiment, self.summary.facts.dataset, state)
        self._write_summary()

    def end(self, status: str, state: State) -> None:
        """Write the last state and the network, and say how the run ended: `status` comes last, when all else is there."""
        self.save(state)
        write_whole(self.directory / MODEL, self._weights(state))
        self.summary.status = status
        self._write_summary()
        self._close(f"{status} after {self.summary.step} updates")

    def crash(self, error: BaseException) -> None:
        """Say that the run failed; what was saved before stays."""
        self.summary.status, self.summary.error = "failed", f"{type(error).__name__}: {error}"
        self.log("crash", error)
        self._write_summary()
        self._close("failed")

    def _weights(self, state: State) -> bytes:
        module = plain_module(self.summary.experiment, self.layout, state.theta, state.statistics)
        return checkpoint.serialised(module.state_dict())

    def _write_summary(self) -> None:
        write_json(self.directory / SUMMARY, self.summary.as_dict())

    def _close(self, last_words: str) -> None:
        self.tensorboard("finish", self.summary.as_dict())
        self.tensorboard("close")
        self.log("write", last_words)
        self.log("close")
        self.metrics.close()
