"""Many experiments as one: the numbers of their techniques as tensors [K, 1]."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from trainer.experiment import Experiment
from trainer.techniques.clipping import Clip
from trainer.techniques.normalization import Normalization
from trainer.techniques.optimizers import Optimizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Numbers:
    """The techniques of a stack, their fields tensors [K, 1] on the device."""

    optimizer: Optimizer
    clip: Clip
    normalization: Normalization


def stack_numbers(experiments: Sequence[Experiment], device: torch.device) -> Numbers:
    """The techniques of experiments of one structure, a row a run; the optimizer's `lr` can't be read."""
    import torch  # here, because a sweep's parent asks for structures alone

    def columns(group: str) -> dict[str, Any]:
        techniques = [getattr(e, group) for e in experiments]
        return {
            field.name: torch.tensor([[getattr(t, field.name)] for t in techniques], dtype=torch.float32, device=device)
            for field in dataclasses.fields(techniques[0])
        }

    first = experiments[0]
    optimizer = _scheduled(type(first.optimizer))(**columns("optimizer"))
    return Numbers(
        optimizer, type(first.clip)(**columns("clip")), type(first.normalization)(**columns("normalization"))
    )


@cache
def _scheduled(rule: type[Optimizer]) -> type[Optimizer]:
    """The rule with an `lr` that fails when it is read: a formula that took it would lose the decay without a word."""

    def refuse(self: Optimizer) -> NoReturn:
        raise AttributeError(f"{rule.__name__}.update must use its argument lr: self.lr knows nothing of the decay.")

    return type(rule.__name__, (rule,), {"lr": property(refuse, lambda self, value: None)})
