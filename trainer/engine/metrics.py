"""The metrics of a record: totals on the device, looked at once for all runs, and divided by their counts on the host."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from trainer.engine.evaluation import Evaluation
from trainer.engine.state import State

Totals = dict[str, tuple[Tensor, int]]
"""Metrics by name: each a total [K, 1] and the count to divide it by."""

Splits = Mapping[str, Evaluation | None]
"""Evaluations by split; None where it has no images."""

SIGNS_OF_LIFE = ("train/loss", "valid/loss", "weight_norm/")
"""Metrics that must stay finite: losses and parameters."""


def tallies(state: State, norms: Mapping[str, Tensor], clips: bool) -> Totals:
    """What was counted since the last record, and the norms of the last update; nothing before the first."""
    if not state.updates:
        return {}
    counted = {"train/loss": (state.loss, state.samples), "train/accuracy": (state.correct, state.samples)}
    clipped = {"clipped_fraction": (state.clipped, state.updates)} if clips else {}
    return counted | {name: (norm, 1) for name, norm in norms.items()} | clipped


def scores(splits: Splits) -> Totals:
    """Loss and accuracy of each split."""
    found: Totals = {}
    for split, result in splits.items():
        if result:
            images = result.hits.shape[1]
            found |= {f"{split}/loss": (result.loss, images), f"{split}/accuracy": (result.correct, images)}
    return found


def means(totals: Totals) -> list[dict[str, float]]:
    """The metrics of each run."""
    table = torch.cat([total for total, _ in totals.values()], 1).tolist()
    counts = [count for _, count in totals.values()]  # divided by here, in float64: 0.98 shall be 0.98
    return [{name: x / n for name, x, n in zip(totals, row, counts, strict=True)} for row in table]


def is_sound(metrics: Mapping[str, float]) -> bool:
    """Whether all losses and parameters are finite."""
    return all(math.isfinite(value) for name, value in metrics.items() if name.startswith(SIGNS_OF_LIFE))
