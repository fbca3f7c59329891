"""The training loop of a stack: epochs, updates, evaluation, records."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from trainer.data.loading import load
from trainer.data.tensors import Tensors, on_device
from trainer.engine.chunks import Chunks
from trainer.engine.delays import delays
from trainer.engine.devices import Threads, resolve, set_precision, synchronise
from trainer.engine.network import layout_of
from trainer.engine.state import State, initial_state
from trainer.experiment import Experiment, structure
from trainer.records import Record, Status
from trainer.techniques.decay import multipliers

Prune = Callable[[list[Record]], set[int]]
"""Given the records of one moment, the runs (indices in the list) that shall leave the stack."""

SIGNS_OF_LIFE = ("train/loss", "valid/loss", "weight_norm/")
"""Metrics that must stay finite: losses and parameters."""


def train(experiments: Experiment | Sequence[Experiment], data: Tensors | None = None) -> Iterator[Record]:
    """Train one experiment, or several of one structure as one stack, and yield their records as they come.

    Writes nothing; `trainer.run` does the same into directories.
    """
    stack = [experiments] if isinstance(experiments, Experiment) else list(experiments)
    data = data or on_device(load(stack[0].dataset), resolve(stack[0].device))
    for records in Training(stack, data):
        yield from records


class Training:
    """A stack of experiments of one structure being trained.

    Iterating makes one update at a time and yields the records it gave rise to, mostly none: the host looks at the device only
    at records.
    """

    def __init__(
        self, experiments: Sequence[Experiment], data: Tensors, state: State | None = None, prune: Prune | None = None
    ):
        self.experiments, self.data, self.prune = list(experiments), data, prune
        first = self.experiments[0]
        if any(structure(e) != structure(first) for e in self.experiments):
            raise ValueError("These experiments differ in structure and can't train as one stack.")
        set_precision(first.precision, data.device)
        self.layout = layout_of(first, data.features, data.classes)
        samples = len(data.train.labels)
        self.batch = min(first.batch_size, samples) if isinstance(first.batch_size, int) else samples
        self.per_epoch = math.ceil(samples / self.batch)
        self.updates = first.epochs * self.per_epoch
        self.record_every = first.record_every or self.per_epoch
        self.alive = list(range(len(self.experiments)))
        self.left: dict[int, State] = {}
        self.hits: dict[int, dict[str, Tensor]] = {}  # by run and split, of the final network
        self._bind((state or initial_state(self.experiments, self.layout)).to(data.device))

    def _bind(self, state: State) -> None:
        """Build the parts around `state`, for the runs that are alive."""
        self._state = state
        self.finite = state.copy()
        alive = [self.experiments[run] for run in self.alive]
        self.rates = torch.stack([self._schedule(e) for e in alive])  # [K, T], on the host: records show them in full
        late = torch.stack([delays(e, self.updates) for e in alive]) if alive[0].staleness.updates else None
        self.chunks = Chunks(alive, self.layout, state, self.data, self.batch, self.rates, late)

    @property
    def state(self) -> State:
        """The stack's state, whole: it can be saved, and another Training can go on from it."""
        self.chunks.flush()
        return self._state

    @property
    def step(self) -> int:
        """The updates made so far."""
        return self._state.step

    @property
    def seconds(self) -> float:
        """The time they took."""
        return self._state.seconds

    def _schedule(self, e: Experiment) -> Tensor:
        """The learning rate of each update of a run, [T] float64."""
        rates = torch.tensor(multipliers(e.decay, self.updates, self.per_epoch), dtype=torch.float64) * e.optimizer.lr
        return rates / delays(e, self.updates).clamp_(min=1) if e.staleness.scale_lr else rates

    def __iter__(self) -> Iterator[list[Record]]:
        if self.updates == 0:
            yield self._records({})
        fewest = len(self.data.train.labels) % self.batch or self.batch
        threads = Threads(self.experiments[0].threads, self.data.device, fewest)
        while self.alive and self.step < self.updates:
            with threads.timed():
                norms = self._update()
            self._state.seconds += threads.seconds
            yield self._records(norms) if norms else []

    def _update(self) -> dict[str, Tensor]:
        """One update; where a record is due, its norms, with the device's work done."""
        measure = (self.step + 1) % self.record_every == 0 or (self.step + 1) % self.per_epoch == 0
        norms = self.chunks.update(self.step, measure)
        start = self.step % self.per_epoch * self.batch
        self._state.samples += min(self.batch, len(self.data.train.labels) - start)
        self._state.updates += 1
        self._state.step += 1
        if measure:
            synchronise(self.data.device)
        return norms

    def of(self, run: int) -> State:
        """The state of one run, a stack of one: as it is, or the last finite one of a run that has left the stack."""
        return self.left[run] if run in self.left else self.state.rows([self.alive.index(run)])

    def _records(self, norms: dict[str, Tensor]) -> list[Record]:
        """Look at the device once: the records of all runs; those that diverged or were pruned leave the stack."""
        last = self.state.step == self.updates
        metrics = self._metrics(norms, last)
        table = torch.cat([total for total, _ in metrics.values()], 1).tolist()
        counts = [count for _, count in metrics.values()]  # divided by here, in float64: 0.98 shall be 0.98
        status = Status.COMPLETED if last else Status.RUNNING
        records = [
            self._record(run, {name: x / n for name, x, n in zip(metrics, row, counts, strict=True)}, status)
            for run, row in zip(self.alive, table, strict=True)
        ]
        self.state.clear_tallies()
        return self._dismiss(records)

    def _metrics(self, norms: dict[str, Tensor], last: bool) -> dict[str, tuple[Tensor, int]]:
        """Every metric of this moment by its name: each a total [K, 1] and the count to divide it by."""
        state, metrics = self.state, dict[str, tuple[Tensor, int]]()
        if state.updates:
            metrics["train/loss"] = state.loss, state.samples
            metrics["train/accuracy"] = state.correct, state.samples
            metrics |= {name: (norm, 1) for name, norm in norms.items()}
            if self.chunks.clips_gradients:
                metrics["clipped_fraction"] = state.clipped, state.updates
        for split, samples, wanted in (("valid", self.data.valid, True), ("test", self.data.test, last)):
            if wanted and len(samples.labels):
                result = self.chunks.evaluate(samples)
                metrics[f"{split}/loss"] = result.loss, len(samples.labels)
                metrics[f"{split}/accuracy"] = result.correct, len(samples.labels)
                if last:
                    self._keep(split, result.hits)
        return metrics

    def _keep(self, split: str, hits: Tensor) -> None:
        for run, answers in zip(self.alive, hits.cpu(), strict=True):
            self.hits.setdefault(run, {})[split] = answers

    def final_hits(self, run: int) -> dict[str, Tensor]:
        """Which validation and test images the final network of a run gets right, by split, bool [N] on the CPU."""
        if run not in self.hits:  # resumed after its last update
            for split, samples in (("valid", self.data.valid), ("test", self.data.test)):
                if len(samples.labels):
                    self._keep(split, self.chunks.evaluate(samples).hits)
        return self.hits.get(run, {})

    def _record(self, run: int, metrics: dict[str, float], status: Status) -> Record:
        if self.state.step:
            metrics["lr"] = self.rates[self.alive.index(run), self.state.step - 1].item()
        alive = all(math.isfinite(value) for name, value in metrics.items() if name.startswith(SIGNS_OF_LIFE))
        epoch = self.state.step / self.per_epoch
        epoch = int(epoch) if epoch.is_integer() else round(epoch, 4)
        return Record(run, epoch, self.state.step, self.state.seconds, metrics, status if alive else Status.DIVERGED)

    def _dismiss(self, records: list[Record]) -> list[Record]:
        """Let the runs go that diverged (with their last finite state) or lost (`prune`); the others train on untouched."""
        going = [record for record in records if record.status == Status.RUNNING]
        lost = self.prune(going) if self.prune and going else set()
        records = [replace(r, status=Status.PRUNED) if r.run in lost else r for r in records]
        for row, record in enumerate(records):
            if record.status in (Status.DIVERGED, Status.PRUNED):
                self.left[record.run] = (self.state if record.status == Status.PRUNED else self.finite).rows([row])
        staying = [row for row, record in enumerate(records) if record.run not in self.left]
        if len(staying) == len(records):
            self.finite = self.state.copy()
        else:
            self.alive = [records[row].run for row in staying]
            if staying:
                self._bind(self.state.rows(staying))
        return records
