"""Many experiments as one: what must agree before they may share a stack, and their numbers as tensors [K, 1]."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trainer.clipping import Clip
from trainer.experiment import Experiment
from trainer.normalization import Normalization
from trainer.optimizers import Optimizer

if TYPE_CHECKING:
    import torch


def structure(e: Experiment) -> Hashable:
    """What must be equal for two experiments to train as one stack; all other numbers, the seed and the decay may differ.

    A number that is 0 in one run and not in another is structure too: the step leaves out what nobody in the stack uses.
    """
    model = replace(e.model, init="default", init_scale=1.0)
    names = (e.optimizer.name, e.clip.name, e.normalization.name)
    used = (e.optimizer.weight_decay > 0, e.dropout.rate > 0, e.dropout.input_rate > 0)  # type: ignore[attr-defined]
    sizes = (e.epochs, e.batch_size, e.record_every)
    return (e.dataset, model, names, used, sizes, e.device, e.threads, e.precision)


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
