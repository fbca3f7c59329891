"""What the tests of the core try: every choice of the program, tiny data, and runs whose numbers differ.

Taken from `trainer.experiment.GROUPS` and from the fields' annotations, where the program takes its choices too: a new
technique is tried without a change here.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union

import numpy as np
import torch

from trainer.data.loading import Data, Split
from trainer.data.tensors import Tensors, on_device
from trainer.engine.batches import Batch
from trainer.engine.loop import Training
from trainer.engine.state import State
from trainer.experiment import GROUPS, Experiment
from trainer.model import Mlp
from trainer.records import Record
from trainer.schema import hints

TECHNIQUES = [(group, word) for group in GROUPS if group not in ("dataset", "model") for word in GROUPS[group]]
"""(group, word) of every technique."""


def words(key: str) -> tuple[str, ...]:
    """The words that `model.<key>` knows."""
    return typing.get_args(hints(Mlp)[key])


def tiny(features: int = 50, samples: int = 94, held_out: int = 40, classes: int = 10) -> Tensors:
    """A made-up data set on the CPU, the same for the same numbers: noisy images around a centre a class."""
    draws = np.random.default_rng(features * samples)
    centres = draws.random((classes, features), dtype=np.float32)

    def split(n: int) -> Split[np.ndarray]:
        labels = draws.integers(0, classes, n)
        return Split(0.7 * centres[labels] + 0.3 * draws.random((n, features), dtype=np.float32), labels)

    data = Data("tiny", split(samples), split(held_out), split(held_out), classes)
    return on_device(data, torch.device("cpu"))


def experiment(**keys: Any) -> Experiment:
    """An experiment on the CPU with few samples a batch, a narrow model and one thread."""
    keys = {"epochs": 2, "batch_size": 29, "device": "cpu", "threads": 1, "model": narrow(), **keys}
    return Experiment(dataset={"name": "synthetic", "validation": 100}, **keys)


def narrow(**keys: Any) -> dict[str, Any]:
    """The words of a model with one odd hidden layer."""
    return {"name": "mlp", "hidden": [37], **keys}


def varied(group: str, word: str, run: int) -> dict[str, Any]:
    """The technique with numbers of its own for `run`: every field that takes any number differs from run to run."""
    cls = GROUPS[group][word]
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    numbers = {key: _vary(hint, defaults[key], run) for key, hint in hints(cls).items() if _is_float(hint)}
    return {"name": word, **numbers}


def _is_float(hint: Any) -> bool:
    return typing.get_origin(hint) is Annotated and hint.__origin__ is float


def _vary(hint: Any, default: float, run: int) -> float:
    low, high = bounds(hint)
    top = min(high, 1.0) if high <= 1 else default * 2 or 0.2
    return default + (top - default) * (run + 1) / 20 if default < top else top - (top - low) * run / 20


def bounds(hint: Any) -> tuple[float, float]:
    """The ends of the interval that an annotation names."""
    interval = hint.__metadata__[0]
    low = next(bound for bound in (interval.above, interval.at_least, -math.inf) if bound is not None)
    return low, next(bound for bound in (interval.below, interval.at_most, math.inf) if bound is not None)


def stack_of(group: str, word: str, runs: int = 8, **keys: Any) -> list[Experiment]:
    """Experiments of one structure with seeds and numbers of their own."""
    return [experiment(**keys, seed=seed, **{group: varied(group, word, seed)}) for seed in range(runs)]


@dataclasses.dataclass
class Outcome:
    """What a stack came to: the training, and each run's records without the clock."""

    training: Training
    records: list[list[Record]]

    def tensors(self, run: int) -> list[torch.Tensor]:
        state = self.training.of(run)
        return tensors(state)


def tensors(state: State) -> list[torch.Tensor]:
    """All that must be the same after another way to the same place; the tallies are seen in the records."""
    return [state.theta, *state.slots, state.statistics, *([] if state.ring is None else [state.ring])]


def outcome(experiments: Sequence[Experiment], data: Tensors) -> Outcome:
    """Train to the end."""
    training = Training(experiments, data)
    records: list[list[Record]] = [[] for _ in experiments]
    for batch in training:
        for record in batch:
            records[record.run].append(dataclasses.replace(record, seconds=0, run=0))
    return Outcome(training, records)


def options(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the hint alone."""
    return typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)


def literals(hint: Any) -> tuple[Any, ...]:
    """The words of a Literal, or nothing."""
    return typing.get_args(hint) if typing.get_origin(hint) is Literal else ()


def update_of(labels: torch.Tensor, classes: int = 10) -> Batch:
    """What an update with labels [K, B] is given, written down plainly; its samples' indices are left out."""
    runs, batch = labels.shape
    one_hot = torch.nn.functional.one_hot(labels, classes).mT.to(torch.get_default_dtype())
    return Batch(None, labels.unsqueeze(1), -one_hot / batch, torch.ones(runs, 1), torch.zeros(1, dtype=torch.int64))
