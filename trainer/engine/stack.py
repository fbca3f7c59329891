"""Many experiments as one: what must agree before they may share a stack, and their numbers as tensors [K, 1]."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

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
    """The techniques of experiments of one structure, a row a run."""
    import torch  # here, because a sweep's parent asks for structures alone

    def stacked(group: str) -> Any:
        techniques = [getattr(e, group) for e in experiments]
        columns = {
            field.name: torch.tensor([[getattr(t, field.name)] for t in techniques], dtype=torch.float32, device=device)
            for field in dataclasses.fields(techniques[0])
        }
        return replace(techniques[0], **columns)

    return Numbers(stacked("optimizer"), stacked("clip"), stacked("normalization"))
