"""Dropout: the right rate, the expectation kept, identity in evaluation, and masks that are functions of their position."""

from __future__ import annotations

import math

import pytest
import torch
from subjects import experiment, tiny
from torch import Tensor

from trainer.engine.layers import Dropout
from trainer.engine.loop import Training

CPU = torch.device("cpu")
SHAPE = (128, 784)
N = SHAPE[0] * SHAPE[1]


def mask(key: int = 1, rate: float = 0.5, t: int = 0, shape: tuple[int, int] = SHAPE) -> Tensor:
    """The mask of one run, 0 or 1/(1 − rate)."""
    return Dropout([key], [rate], CPU).forward(torch.ones(1, *shape), torch.tensor([float(t)]))[0]


def correlation(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_the_rate_of_zeros_and_the_expectation(rate):
    """Over 20 updates, 2 million draws: within 5 standard deviations, √(rate(1−rate)/n)."""
    masks = torch.stack([mask(rate=rate, t=t) for t in range(20)])
    n, spread = masks.numel(), math.sqrt(rate * (1 - rate))
    assert (masks == 0).double().mean().item() == pytest.approx(rate, abs=5 * spread / math.sqrt(n))
    assert masks.double().mean().item() == pytest.approx(1, abs=5 * spread / (1 - rate) / math.sqrt(n))
    survivors = masks[masks != 0]
    assert torch.equal(survivors, torch.full_like(survivors, 1 / (1 - rate)))


def test_rate_zero_keeps_all_even_beside_a_run_that_drops():
    y = Dropout([1, 2], [0.0, 0.5], CPU).forward(torch.ones(2, *SHAPE), torch.tensor([0.0]))
    assert (y[0] == 1).all() and (y[1] == 0).any()


def test_zeros_are_spread_evenly_over_rows_and_columns():
    """Counts of each row, column and eighth of the columns, over 40 updates: within 6 deviations of a fair coin."""
    zeros = torch.stack([mask(t=t) == 0 for t in range(40)]).double()
    for axis in ((0, 1), (0, 2), (1, 2)):
        counts = zeros.sum(axis)
        n = zeros.numel() / counts.numel()
        assert ((counts - n / 2).abs() < 6 * math.sqrt(n) / 2).all()


@pytest.mark.parametrize(
    "other", [{"t": 1}, {"t": 2}, {"t": 256}, {"t": 1 << 16}, {"key": 2}, {"key": 1 << 16}, {"key": -1}]
)
def test_masks_of_other_updates_and_keys_are_not_correlated(other):
    """The correlation of 100,352 fair draws has a deviation of 0.0032: five of them. Shifts too, along both axes."""
    base, changed = mask(), mask(**other)
    for moved in (changed, changed.roll(1, 0), changed.roll(1, 1), changed.flip(1), changed.flip(0)):
        assert abs(correlation(base, moved)) < 5 / math.sqrt(N)


def test_many_successive_updates_are_not_correlated():
    """All pairs among 64 updates: the largest of 2,016 correlations stays below 5 deviations."""
    masks = torch.stack([mask(t=t).flatten() for t in range(64)])
    pairs = torch.corrcoef(masks) - torch.eye(64)
    assert pairs.abs().max() < 5 / math.sqrt(N)


def test_one_mask_has_no_pattern_of_its_own():
    for moved in (mask().roll(1, 0), mask().roll(1, 1), mask().roll(16, 1)):
        assert abs(correlation(mask(), moved)) < 5 / math.sqrt(N)


def test_golden_mask():
    """Run directories of today must resume tomorrow: these bits may not change."""
    kept = (mask(key=123, t=7, shape=(2, 16)) > 0).int().tolist()
    assert ["".join(map(str, row)) for row in kept] == ["1110010000000100", "1011001101101100"]


def hidden_masks(seed: int, updates: int = 3, epochs: int = 1, **keys) -> list[list[Tensor]]:
    """For each update, the masks of all dropout layers of a run."""
    dropout = {"name": "half", "rate": 0.5, "input_rate": 0.25}
    model = {"name": "mlp", "hidden": [37, 37]}
    training = Training([experiment(seed=seed, dropout=dropout, model=model, epochs=epochs, **keys)], tiny())
    layers = [layer for layer in training.chunks.steps[0].network.layers if isinstance(layer, Dropout)]
    masks = []
    for _, _ in zip(range(updates), training, strict=False):
        masks.append([layer.mask[0].clone() for layer in layers])
    return masks


def test_masks_are_functions_of_seed_update_and_layer():
    first, again, other = hidden_masks(1), hidden_masks(1, epochs=3, optimizer="adam"), hidden_masks(2)
    assert len(first[0]) == 3
    for t in range(3):
        for layer in range(3):
            assert torch.equal(first[t][layer], again[t][layer])
            assert not torch.equal(first[t][layer], other[t][layer])
        assert not torch.equal(first[t][1], first[t][2])  # two hidden layers of one shape
    assert not torch.equal(first[0][1], first[1][1])


def test_layers_drop_at_their_own_rates():
    masks = hidden_masks(5)
    assert {round(m.max().item(), 4) for m in masks[0]} == {round(1 / 0.75, 4), 2.0}
    assert masks[0][0].shape == (29, 50)


def test_evaluation_is_the_identity():
    x = torch.randn(2, 5, 7)
    assert Dropout([1, 2], [0.5, 0.9], CPU).forward(x, None) is x
    logits = []
    for dropout in ({"name": "half", "rate": 0.5, "input_rate": 0.5}, "none"):
        training = Training([experiment(dropout=dropout)], tiny())
        logits.append(training.chunks.steps[0].network.forward(training.data.valid.images[None, :, :50]).clone())
    assert torch.equal(*logits)
