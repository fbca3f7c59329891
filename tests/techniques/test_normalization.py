"""Normalization against torch.nn: forward, gradient, running statistics, evaluation; the article's order by its formula."""

from __future__ import annotations

import pytest
import torch
from subjects import experiment, tiny
from torch import Tensor, nn

from trainer.engine.layers import Standardize
from trainer.engine.loop import Training
from trainer.techniques.normalization import NORMALIZATIONS, standardize, standardize_backward, track

RUNS, BATCH, WIDTH = 3, 11, 7
EPS = [1e-5, 1e-2, 1.0]
MOMENTUM = [0.1, 0.5, 1.0]


def numbers(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1)


def inputs(seed: int = 0) -> Tensor:
    """Of another mean and scale in each run."""
    stream = torch.Generator().manual_seed(seed)
    x = torch.randn(RUNS, BATCH, WIDTH, generator=stream, dtype=torch.float64)
    return x * torch.tensor([0.01, 1, 30]).view(-1, 1, 1) + torch.tensor([0, 5, -100]).view(-1, 1, 1)


@pytest.mark.parametrize("axis", [-2, -1])
def test_standardize_and_its_gradient_against_autograd(axis):
    x = inputs().requires_grad_()
    eps = numbers(EPS).unsqueeze(-1)
    mean, variance = x.mean(axis, keepdim=True), x.var(axis, keepdim=True, unbiased=False)
    expected = (x - mean) / (variance + eps).sqrt()
    dy = inputs(1)
    expected.backward(dy)
    x_hat, found_mean, found_variance, inverse = standardize(x.detach(), axis, eps)
    torch.testing.assert_close(x_hat, expected.detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found_mean, mean.detach())
    torch.testing.assert_close(found_variance, variance.detach())
    torch.testing.assert_close(standardize_backward(dy, x_hat, inverse, axis), x.grad, rtol=1e-9, atol=1e-10)


def test_batch_follows_batch_norm_1d_with_its_running_statistics_and_evaluation():
    """A torch.nn.BatchNorm1d a run, over four batches, each run with its own ε and momentum; 1e-6: ε is a float32 nearby."""
    mean, var = torch.zeros(RUNS, 1, WIDTH, dtype=torch.float64), torch.ones(RUNS, 1, WIDTH, dtype=torch.float64)
    layer = Standardize(-2, numbers(EPS).unsqueeze(-1), (mean, var), numbers(MOMENTUM).unsqueeze(-1))
    oracles = [
        nn.BatchNorm1d(WIDTH, e, m, affine=False, dtype=torch.float64) for e, m in zip(EPS, MOMENTUM, strict=True)
    ]
    for seed in range(4):
        x = inputs(seed)
        y = layer.forward(x, torch.zeros(1))
        for run, oracle in enumerate(oracles):
            torch.testing.assert_close(y[run], oracle(x[run]), rtol=1e-9, atol=1e-10)
            torch.testing.assert_close(mean[run, 0], oracle.running_mean, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(var[run, 0], oracle.running_var, rtol=1e-12, atol=1e-12)
    statistics = mean.clone(), var.clone()
    x = inputs(9)
    y = layer.forward(x, None)
    for run, oracle in enumerate(oracles):
        torch.testing.assert_close(y[run], oracle.eval()(x[run]), rtol=1e-9, atol=1e-10)
    assert torch.equal(mean, statistics[0]) and torch.equal(var, statistics[1])


def test_layer_follows_layer_norm_in_training_and_evaluation():
    layer = Standardize(-1, numbers(EPS).unsqueeze(-1), None, None)
    x = inputs()
    for t in (torch.zeros(1), None):
        y = layer.forward(x, t)
        for run, eps in enumerate(EPS):
            oracle = nn.LayerNorm(WIDTH, eps, elementwise_affine=False, dtype=torch.float64)
            torch.testing.assert_close(y[run], oracle(x[run]), rtol=1e-9, atol=1e-10)


def test_a_batch_of_one_moves_the_mean_and_has_no_variance_to_tell():
    """The last batch of an epoch may hold a single sample."""
    mean, var = torch.zeros(1, 1, 2), torch.ones(1, 1, 2)
    track(mean, var, torch.full((1, 1, 2), 10.0), torch.zeros(1, 1, 2), 1, torch.tensor([[[0.1]]]))
    torch.testing.assert_close(mean, torch.full((1, 1, 2), 1.0))
    torch.testing.assert_close(var, torch.full((1, 1, 2), 0.9))


def plain(values: dict[tuple[str, str], Tensor], x: Tensor, normalization: str) -> Tensor:
    """Logits of one run of a network with one hidden layer, in training, as the design says it."""
    w1, b1 = values["linear1", "weight"], values["linear1", "bias"]
    scale, shift = values["norm1", "scale"], values["norm1", "shift"]
    if normalization == "batch_article":
        x_hat = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()
        z = scale * (x_hat @ w1.T + b1) + shift
    elif normalization == "batch":
        z = nn.functional.batch_norm(x @ w1.T + b1, None, None, scale[0], shift[0], training=True)
    else:
        z = nn.functional.layer_norm(x @ w1.T + b1, (w1.shape[0],), scale[0], shift[0])
    return z.relu() @ values["linear2", "weight"].T + values["linear2", "bias"]


@pytest.mark.parametrize("word", [word for word, rule in NORMALIZATIONS.items() if rule.axis is not None])
def test_where_the_layer_stands_is_what_the_design_says(word):
    """Scale and shift away from 1 and 0, three runs of other parameters. float32: 1e-5 of logits of size 1."""
    training = Training([experiment(seed=seed, normalization=word) for seed in range(RUNS)], tiny())
    step = training.chunks.steps[0]
    for (_, role), place in training.layout.parameters.items():
        if role in ("scale", "shift"):
            place.view(step.state.theta).uniform_(0.5, 1.5)
    x = step._batch(torch.arange(RUNS * 29))
    logits = step.network.forward(x, step.t.zero_())
    for run in range(RUNS):
        values = {name: place.view(step.state.theta)[run] for name, place in training.layout.parameters.items()}
        torch.testing.assert_close(logits[run], plain(values, x[run], word), rtol=1e-5, atol=1e-5)


def test_the_output_layer_and_a_plain_network_have_no_statistics():
    for word, rule in NORMALIZATIONS.items():
        layout = Training([experiment(normalization=word, model={"name": "mlp", "hidden": [9, 8]})], tiny()).layout
        normed = [layer for layer, role in layout.parameters if role == "scale"]
        assert normed == ([] if rule.axis is None else ["norm1", "norm2"])
        assert len(layout.statistics) == (4 if word in ("batch", "batch_article") else 0)
