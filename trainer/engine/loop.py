"""The training loop of a stack: epochs, updates, evaluation, records."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import torch
from torch import Tensor

from trainer.data.loading import as_floats, load
from trainer.data.tensors import Tensors, on_device
from trainer.engine.chunks import Chunks
from trainer.engine.delays import delays
from trainer.engine.devices import Threads, resolve, set_precision, synchronise
from trainer.engine.evaluation import Evaluation
from trainer.engine.metrics import Splits, is_sound, means, scores, tallies
from trainer.engine.network import layout_of
from trainer.engine.state import State, initial_state
from trainer.engine.stopping import judge, over
from trainer.experiment import Experiment, structure
from trainer.records import Record, Status
from trainer.techniques.decay import multipliers

Prune = Callable[[list[Record]], set[int]]
"""Given the records of one moment, the runs (indices in the list) that shall leave the stack."""


def train(experiments: Experiment | Sequence[Experiment], data: Tensors | None = None) -> Iterator[Record]:
    """Train one experiment, or several of one structure as one stack, and yield their records as they come.

    Writes nothing; `trainer.run` does the same into directories.
    """
    stack = [experiments] if isinstance(experiments, Experiment) else list(experiments)
    data = data or on_device(load(stack[0].dataset), resolve(stack[0].device))
    yield from chain.from_iterable(Training(stack, data))


class Training:
    """A stack of experiments of one structure being trained.

    Iterating makes one update at a time, or some for at most a tenth of a second where a stack has parts (`Chunks`), and yields
    the records they gave rise to, mostly none: the host looks at the device only at records.
    """

    def __init__(
        self, experiments: Sequence[Experiment], data: Tensors, state: State | None = None, prune: Prune | None = None
    ):
        self.experiments, self.prune = list(experiments), prune
        first = self.experiments[0]
        self.data = replace(data, train=as_floats(data.train)) if first.batch_size == "full" else data
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
        self.rules = [e.stop for e in alive]
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

    @property
    def finished(self) -> set[int]:
        """The runs of the stack that need no more updates: all after the last one, before it those that have stopped."""
        if self.step == self.updates:
            return set(self.alive)
        return {self.alive[row] for row in over(self.rules, self._state, len(self.data.valid.labels))}

    def __iter__(self) -> Iterator[list[Record]]:
        if self.updates == 0:
            yield self._records({})
        elif self.step < self.updates and (stopped := self.finished):  # resumed after they had stopped
            self._leave({run: self.of(run) for run in stopped})
        fewest = len(self.data.train.labels) % self.batch or self.batch
        threads = Threads(self.experiments[0].threads, self.data.device, fewest)
        while self.alive and self.step < self.updates:
            updates, measure = self._until_record(threads.at_once(self.chunks.in_a_row))
            with threads.timed(updates):
                norms = self._update(updates, measure)
            self._state.seconds += threads.seconds
            yield self._records(norms) if measure else []

    def _until_record(self, most: int) -> tuple[int, bool]:
        """How many updates to make, at most `most`, and whether a record is due after them."""
        due = min(every - self.step % every for every in (self.record_every, self.per_epoch))
        return min(due, most), due <= most

    def _update(self, updates: int, measure: bool) -> dict[str, Tensor]:
        """Some updates of an epoch; where a record is due, its norms, with the device's work done."""
        norms = self.chunks.update(self.step, updates, measure)
        start = self.step % self.per_epoch * self.batch
        self._state.count(updates, min(updates * self.batch, len(self.data.train.labels) - start))
        if measure:
            synchronise(self.data.device)
        return norms

    def of(self, run: int) -> State:
        """The state of one run, a stack of one: as it is, or the last finite one of a run that has left the stack."""
        return self.left[run] if run in self.left else self.state.rows([self.alive.index(run)])

    def _records(self, norms: dict[str, Tensor]) -> list[Record]:
        """Look at the device: the records of all runs; those that have ended before the last update leave the stack."""
        splits = {"valid": self._evaluate("valid")}
        if norms and self.step % self.per_epoch == 0:
            judge(self.rules, self._state, splits["valid"])
        finished = self.finished
        if finished:
            splits["test"] = self._evaluate("test")
            self._keep(finished, splits)
        totals = tallies(self.state, norms, self.chunks.clips_gradients) | scores(splits)
        pairs = zip(self.alive, means(totals), strict=True)
        records = [self._record(run, metrics, run in finished) for run, metrics in pairs]
        self.state.clear_tallies()
        return self._dismiss(records)

    def _evaluate(self, split: str) -> Evaluation | None:
        """None where a split has no images."""
        samples = self.data.valid if split == "valid" else self.data.test
        return self.chunks.evaluate(samples) if len(samples.labels) else None

    def _keep(self, runs: Collection[int], splits: Splits) -> None:
        """Which images their final networks get right."""
        answers = {split: result.hits.cpu() for split, result in splits.items() if result}
        for row, run in enumerate(self.alive):
            if run in runs:
                self.hits[run] = {split: hits[row] for split, hits in answers.items()}

    def final_hits(self, run: int) -> dict[str, Tensor]:
        """Which validation and test images the final network of a run gets right, by split, bool [N] on the CPU."""
        if run not in self.hits:  # resumed after its end
            self._keep(self.alive, {split: self._evaluate(split) for split in ("valid", "test")})
        return self.hits[run]

    def _record(self, run: int, metrics: dict[str, float], finished: bool) -> Record:
        if not finished:  # others have, and the whole stack was evaluated
            metrics = {name: value for name, value in metrics.items() if not name.startswith("test/")}
        if self.step:
            metrics["lr"] = self.rates[self.alive.index(run), self.step - 1].item()
        status = (Status.COMPLETED if finished else Status.RUNNING) if is_sound(metrics) else Status.DIVERGED
        epoch = self.step / self.per_epoch
        epoch = int(epoch) if epoch.is_integer() else round(epoch, 4)
        return Record(run, epoch, self.step, self.seconds, metrics, status)

    def _dismiss(self, records: list[Record]) -> list[Record]:
        """Let the runs go that have stopped, diverged (with their last finite state) or lost (`prune`)."""
        going = [record for record in records if record.status == Status.RUNNING]
        lost = self.prune(going) if self.prune and going else set()
        records = [replace(r, status=Status.PRUNED) if r.run in lost else r for r in records]
        staying = Status.RUNNING if self.step < self.updates else Status.COMPLETED
        leaving = [(row, record) for row, record in enumerate(records) if record.status != staying]
        states = {Status.DIVERGED: self.finite}
        self._leave({record.run: states.get(record.status, self.state).rows([row]) for row, record in leaving})
        return records

    def _leave(self, leaving: dict[int, State]) -> None:
        """Runs leave the stack, with the states that stay of them; the others train on untouched."""
        staying = [row for row, run in enumerate(self.alive) if run not in leaving]
        self.left |= leaving
        self.alive = [self.alive[row] for row in staying]
        if not leaving:
            self.finite = self.state.copy()
        elif staying:
            self._bind(self.state.rows(staying))
