"""Everything one run leaves behind in its directory, kept up to date while it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import Sequential

from trainer.data.tensors import Tensors
from trainer.engine.network import Layout
from trainer.engine.state import State
from trainer.errors import CheckpointError
from trainer.identity import FORMAT
from trainer.records import Record, Status
from trainer.report.files import (
    CHECKPOINT,
    CONFIG,
    METRICS,
    SUMMARY,
    LogFile,
    MetricsFile,
    as_row,
    clear_partials,
    write_json,
    write_whole,
    write_yaml,
)
from trainer.report.guarded import Guarded
from trainer.report.history import History
from trainer.report.hits import HITS, write_hits
from trainer.report.learned import LEARNED
from trainer.report.reading import kept_records
from trainer.report.tensorboard import TensorBoard
from trainer.run import checkpoint
from trainer.run.examine import examine
from trainer.run.export import MODEL, plain_module
from trainer.run.lease import Lease
from trainer.run.picturing import PICTURE, draw_learned
from trainer.run.summary import Summary, earlier_seconds

BEST = "best.pt"
OF_THE_END = (HITS, LEARNED, PICTURE)


class RunDirectory:
    """The files of one run: configuration, metrics, summary, checkpoints, model, and the logs beside them."""

    def __init__(
        self,
        directory: Path,
        summary: Summary,
        layout: Layout,
        resumed: State | None = None,
        lease: Lease | None = None,
        at_end: bool = False,
    ):
        """Begin, or go on from the state `resumed`, which is that of the run's end where `at_end`. OSError where a result can't
        be written, here and in all that follows LeaseLost where another process may write by now."""
        self.directory, self.summary, self.layout, self.lease = directory, summary, layout, lease
        step = resumed.step if resumed else 0
        rows = self._earlier(resumed, at_end) if resumed else []
        clear_partials(directory)
        for name in OF_THE_END:  # of a final network, which this run does not have yet
            (directory / name).unlink(missing_ok=True)
        if resumed is None:
            self._write_config()  # with it alone the run can begin anew
        self._write_summary()  # before the rest, so that no moment shows a run as complete that goes on
        if resumed is not None:
            self._write_config()
        self.metrics = MetricsFile(directory, rows)
        self.log = Guarded(f"{directory}/train.log", lambda: LogFile(directory))
        self.tensorboard = Guarded("TensorBoard's file", lambda: self._tensorboard(step))
        self.best: State | None = None
        self.log("write", f"{'resumed' if resumed else 'started'} on {summary.facts.device}, step {step}")

    def _tensorboard(self, step: int) -> TensorBoard:
        given = [word.split("=", 1)[0] for word in self.summary.overrides]
        return TensorBoard(
            self.directory, self.summary.experiment, step, dataset=self.summary.facts.dataset, given=given
        )

    def _earlier(self, state: State, at_end: bool) -> list[dict[str, Any]]:
        """The records up to the state, which the summary goes on from. CheckpointError where some are lost."""
        path = self.directory / METRICS
        rows = [row for row in kept_records(path) if row["step"] <= state.step]
        last = rows[-1]["step"] if rows else 0
        if last != state.step - state.updates:
            raise CheckpointError(
                f"{path} ends at update {last}: records up to the checkpoint's {state.step} are lost."
            )
        if not at_end:  # test metrics belong to the end, and this is none any more
            rows = [{name: x for name, x in row.items() if not name.startswith("test/")} for row in rows]
        for row in rows:
            self.summary.add(row)
        self.summary.reach(state.step, state.seconds)
        self.summary.earlier_seconds = earlier_seconds(self.directory / SUMMARY)
        return rows

    def record(self, record: Record, state_of: Callable[[int], State]) -> None:
        """Take in a record; the network is kept where it is the best so far."""
        self._check()
        self.metrics.record(record)
        if self.summary.add(as_row(record), finite=record.status != Status.DIVERGED):
            self.best = replace(state_of(record.run), slots=(), ring=None)
        self.log("record", record)
        self.tensorboard("record", record)

    def save(self, state: State) -> None:
        """Write the last state and the best; the old ones stay whole where that fails (OSError)."""
        self._save_state(state)
        self._write_summary()

    def _save_state(self, state: State) -> bytes | None:
        """The last state and the best; returns the packed network where the best one is the last."""
        self.metrics.sync()
        packed = None
        if self.best is not None:
            packed = self._weights(self.best)
            self._replace(BEST, packed)
            packed, self.best = packed if self.best.step == state.step else None, None
        facts = self.summary.facts
        self._replace(
            CHECKPOINT, checkpoint.packed(self.summary.experiment, facts.dataset, facts.dataset_digest, state)
        )
        self.summary.reach(state.step, state.seconds)
        return packed

    def end(
        self, status: Status, state: State, hits: Mapping[str, Tensor] | None, pictured: Tensors | None = None
    ) -> None:
        """Write the last state, the network and which images it got right, and say how the run ended: `status` comes last,
        when all else is there. `pictured` are the data to make pictures of, where these are wanted."""
        packed = self._save_state(state)
        if hits is not None:
            facts = self.summary.facts
            right = {name: answers.numpy() for name, answers in hits.items()}
            write_hits(self.directory, right, facts.dataset_digest, facts.split, self._check)
        self._replace(MODEL, packed or self._weights(state))
        self.summary.status = status
        if pictured is not None:
            self._check()
            learned = examine(self._module(state), pictured)
            rows = kept_records(self.directory / METRICS)
            history = History(self.summary.experiment, self.summary.as_dict(), rows)
            self.tensorboard("learned", history, learned, draw_learned(self.directory, learned))
        self._write_summary()
        if status == Status.COMPLETED and not self.summary.experiment.checkpoint.keep:
            checkpoint.drop(self.directory)
        self._close(f"{status} after {self.summary.step} updates")

    def crash(self, error: BaseException) -> None:
        """Say that the run failed; what was saved before stays."""
        self._check()
        self.summary.status, self.summary.error = Status.FAILED, f"{type(error).__name__}: {error}"
        self.log("crash", error)
        try:
            self._write_summary()
        finally:
            self._close(Status.FAILED)

    def _module(self, state: State) -> Sequential:
        return plain_module(self.summary.experiment, self.layout, state.theta, state.statistics)

    def _weights(self, state: State) -> bytes:
        return checkpoint.serialised(self._module(state).state_dict())

    def _check(self) -> None:
        if self.lease:
            self.lease.check()

    def _replace(self, name: str, content: bytes) -> None:
        write_whole(self.directory / name, content, self._check)

    def _write_config(self) -> None:
        write_yaml(self.directory / CONFIG, {"format": FORMAT, **self.summary.experiment.to_dict()})

    def _write_summary(self) -> None:
        write_json(self.directory / SUMMARY, self.summary.as_dict(), self._check)

    def _close(self, last_words: str) -> None:
        self.tensorboard("finish", self.summary.as_dict())
        self.tensorboard("close")
        self.log("write", last_words)
        self.log("close")
        self.metrics.close()


def clear(directory: Path) -> None:
    """Take away what an unfinished run has left, all but its log."""
    for name in (METRICS, CHECKPOINT, BEST, MODEL, *OF_THE_END):
        (directory / name).unlink(missing_ok=True)
    for path in directory.glob("events.out.tfevents.*"):
        path.unlink()
