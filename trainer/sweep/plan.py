"""Which cells train together: groups of one structure, cut into stacks that fit in memory and keep all workers busy."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from trainer.experiment import Experiment, structure
from trainer.model import LayerSpec, blueprint
from trainer.sweep.devices import WorkerSlot

MOST_ON_CPU = 8
"""On one thread a run of a larger stack is no faster: measured for 8, 128 and 512 hidden units, 1 to 64 runs a stack."""

SPLITS = 8
"""Stacks are cut smaller for the sake of balance up to so many a worker; beyond, the last ones are a small part of all."""


@dataclass(frozen=True)
class Piece:
    """A cell to be trained: its number in the sweep, and the checkpoint's step and data set to go on from (None: anew)."""

    cell: int
    experiment: Experiment
    step: int | None = None
    dataset: str | None = None

    def group(self) -> Hashable:
        """What must agree within a stack."""
        return structure(self.experiment), self.step, self.dataset


@dataclass(frozen=True)
class Stack:
    """Pieces of one group. `cost` is in multiplications, near enough to compare stacks."""

    pieces: tuple[Piece, ...]

    @property
    def experiment(self) -> Experiment:
        return self.pieces[0].experiment

    @property
    def cost(self) -> float:
        e = self.experiment
        return len(self.pieces) * e.epochs * samples(e) * parameters(e)


def plan(pieces: Sequence[Piece], slots: Sequence[WorkerSlot], most: int | None = None) -> list[Stack]:
    """Every piece in one stack, costly stacks first; none larger than its slot or `most` allows.

    The cells of a group are dealt out in turn, so that each stack is a cross-section of the sweep: early results show all
    settings, and where runs are pruned, settings compete rather than the seeds of one setting.
    """
    groups: dict[Hashable, list[Piece]] = defaultdict(list)
    for piece in pieces:
        groups[piece.group()].append(piece)
    parts = {
        group: math.ceil(len(of) / min(limit(of[0].experiment, slots), most or len(of))) for group, of in groups.items()
    }
    _balance({group: len(of) for group, of in groups.items()}, parts, len(slots))
    stacks = [Stack(tuple(of[i :: parts[group]])) for group, of in groups.items() for i in range(parts[group])]
    return sorted(stacks, key=lambda stack: -stack.cost)


def one_thread_each(e: Experiment, slots: Sequence[WorkerSlot]) -> Experiment:
    """On CPU each worker has one thread, where the user does not say otherwise: that uses all cores best, and changes no
    result."""
    on_cpu = any(slot.device == "cpu" and slot.takes(e.device) for slot in slots)
    return replace(e, threads=1) if e.threads == "auto" and on_cpu else e


def _balance(sizes: dict[Hashable, int], parts: dict[Hashable, int], workers: int) -> None:
    """Cut the largest stacks smaller until they go evenly among the workers: 3 cells and 2 workers are 2 + 1."""
    while 0 < sum(parts.values()) < SPLITS * workers and sum(parts.values()) % workers:
        largest = max(sizes, key=lambda group: sizes[group] / parts[group])
        if sizes[largest] == parts[largest]:
            return
        parts[largest] += 1


def limit(e: Experiment, slots: Sequence[WorkerSlot]) -> int:
    """How many runs like `e` one stack may have wherever it may be placed."""
    fitting = [slot for slot in slots if slot.takes(e.device)]
    fits = max(1, int(min(slot.memory for slot in fitting) / run_bytes(e)))
    most = min(fits, MOST_ON_CPU) if any(slot.device == "cpu" for slot in fitting) else fits
    return most * min(slot.workers for slot in fitting)


def run_bytes(e: Experiment) -> int:
    """Memory that a run adds to its stack, from above: parameters, gradients and their copies, activations, orders."""
    slots = len(e.optimizer.slots)
    state = 1 + slots + e.staleness.kept
    copies = 3 + 3 * state  # gradient, before, temporary; and the state now, when last finite, at its best
    batch = samples(e) if e.batch_size == "full" else min(int(e.batch_size or 0), samples(e))
    widths = sum(spec.inputs + 2 * spec.outputs for spec in layers(e)) + features(e)
    return 4 * (copies * parameters(e) + max(batch, 512) * widths) + 8 * samples(e)


def samples(e: Experiment) -> int:
    """Training images an epoch, near enough: of the data set asked for."""
    return e.dataset.limit or max(1, e.dataset.training - e.dataset.validation)


def parameters(e: Experiment) -> int:
    """How many parameters a run has."""
    shapes = {"linear": lambda s: (s.inputs + 1) * s.outputs, "affine": lambda s: 2 * s.outputs}
    return sum(shapes[spec.kind](spec) for spec in layers(e) if spec.kind in shapes)


def features(e: Experiment) -> int:
    """Pixels of an image."""
    return int(getattr(e.dataset, "features", 28 * 28))


def layers(e: Experiment) -> list[LayerSpec]:
    """The network's layers as data."""
    return blueprint(e.model, e.normalization, e.dropout, features(e), getattr(e.dataset, "classes", 10))
