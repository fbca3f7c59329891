"""The plain twin: a dozen lines of ordinary PyTorch end at the same parameters; batch_gd follows its formula in float64.

Tolerances: twelve updates in float32, whose sums our stack takes in another order; 2e-5 of parameters of size 0.1 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from subjects import experiment, narrow, outcome, tiny
from torch import nn

from trainer.data.tensors import Tensors
from trainer.engine.loop import Training
from trainer.engine.network import Layout
from trainer.engine.randomness import order
from trainer.experiment import Experiment

EPOCHS, BATCH = 3, 29
DATA = tiny()
UPDATES = EPOCHS * 4  # 94 samples


def module(layers: list[nn.Module], layout: Layout, theta: torch.Tensor, statistics: torch.Tensor) -> nn.Sequential:
    """An ordinary network with one run's parameters, in the order of its layers."""
    segments = list(layout.parameters.values())
    running = list(layout.statistics.values())
    with torch.no_grad():
        for layer in layers:
            for parameter in layer.parameters():
                value = segments.pop(0).view(theta[None])[0]
                parameter.copy_(value if parameter.dim() == 2 else value[0])
            for name, buffer in layer.named_buffers():
                if name != "num_batches_tracked":
                    buffer.copy_(running.pop(0).view(statistics[None])[0, 0])
    assert not segments and not running
    return nn.Sequential(*layers)


def plain_loop(model: nn.Sequential, seed: int, optimizer, schedule, after_backward, after_step, data: Tensors) -> None:
    """What everybody writes."""
    images, labels = data.train.images[:, : data.features], data.train.labels
    for epoch in range(EPOCHS):
        for index in order(seed, epoch, len(labels)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[index]), labels[index]).backward()
            after_backward(model)
            optimizer.step()
            after_step(model)
            schedule.step()


def clip_norm(c: float) -> Callable[[nn.Module], Any]:
    return lambda model: nn.utils.clip_grad_norm_(model.parameters(), c)


def clip_value(c: float) -> Callable[[nn.Module], Any]:
    return lambda model: nn.utils.clip_grad_value_(model.parameters(), c)


@torch.no_grad()
def clamp_weights(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.clamp_(-0.1, 0.1)


@torch.no_grad()
def max_norm(model: nn.Module) -> None:
    for layer in model:
        if isinstance(layer, nn.Linear):
            layer.weight.copy_(torch.renorm(layer.weight, 2, 0, 0.5))


def nothing(model: nn.Module) -> None:
    pass


optim, rates = torch.optim, torch.optim.lr_scheduler
TWINS: dict[str, tuple[dict, Callable, Callable, Callable, Callable, Callable]] = {
    # our words · the layers · torch's optimizer · torch's schedule · after backward · after the step
    "sgd, clip=grad, linear": (
        {"optimizer": {"name": "sgd", "lr": 0.5}, "clip": {"name": "grad", "threshold": 0.3}, "decay": "linear"},
        lambda: [nn.Linear(50, 37), nn.ReLU(), nn.Linear(37, 10)],
        lambda p: optim.SGD(p, 0.5), lambda o: rates.LambdaLR(o, lambda t: 1 - t / UPDATES), clip_norm(0.3), nothing),
    "momentum, weight decay, exponential": (
        {"optimizer": {"name": "momentum", "lr": 0.5, "beta": 0.8, "weight_decay": 0.01},
         "decay": {"name": "exponential", "gamma": 0.9}, "model": narrow(activation="tanh")},
        lambda: [nn.Linear(50, 37), nn.Tanh(), nn.Linear(37, 10)],
        lambda p: from_zero(optim.SGD(p, 0.5, 0.8, 0.8, 0.01)), lambda o: rates.ExponentialLR(o, 0.9), nothing, nothing),
    "heavy_ball, batch, step": (
        {"optimizer": {"name": "heavy_ball", "lr": 0.05}, "normalization": "batch",
         "decay": {"name": "step", "every": 5, "per": "update"}},
        lambda: [nn.Linear(50, 37), nn.BatchNorm1d(37), nn.ReLU(), nn.Linear(37, 10)],
        lambda p: optim.SGD(p, 0.05, 0.9), lambda o: rates.StepLR(o, 5, 0.5), nothing, nothing),
    "nesterov, layer, cosine, clip=grad_value": (
        {"optimizer": {"name": "nesterov", "lr": 0.05}, "normalization": "layer", "decay": "cosine",
         "clip": {"name": "grad_value", "threshold": 0.01}, "model": narrow(activation="gelu")},
        lambda: [nn.Linear(50, 37), nn.LayerNorm(37), nn.GELU(), nn.Linear(37, 10)],
        lambda p: optim.SGD(p, 0.05, 0.9, nesterov=True), lambda o: rates.CosineAnnealingLR(o, UPDATES),
        clip_value(0.01), nothing),
    "adam, milestones, deep": (
        {"optimizer": {"name": "adam", "lr": 0.003}, "model": narrow(hidden=[37, 21, 13], activation="tanh"),
         "decay": {"name": "step", "milestones": [4, 9], "gamma": 0.1, "per": "update"}},
        lambda: [nn.Linear(50, 37), nn.Tanh(), nn.Linear(37, 21), nn.Tanh(), nn.Linear(21, 13), nn.Tanh(), nn.Linear(13, 10)],
        lambda p: optim.Adam(p, 0.003), lambda o: rates.MultiStepLR(o, [4, 9], 0.1), nothing, nothing),
    "adamw, sigmoid, warm-up": (
        {"optimizer": {"name": "adamw", "lr": 0.003, "weight_decay": 0.1}, "model": narrow(activation="sigmoid"),
         "decay": {"name": "none", "warmup": 4}},
        lambda: [nn.Linear(50, 37), nn.Sigmoid(), nn.Linear(37, 10)],
        lambda p: optim.AdamW(p, 0.003, weight_decay=0.1), lambda o: rates.LambdaLR(o, lambda t: min(1, (t + 1) / 5)),
        nothing, nothing),
    "rmsprop, clip=weight": (
        {"optimizer": {"name": "rmsprop", "lr": 0.001}, "clip": "weight", "model": narrow(activation="tanh")},
        lambda: [nn.Linear(50, 37), nn.Tanh(), nn.Linear(37, 10)],
        lambda p: optim.RMSprop(p, 0.001), lambda o: rates.ConstantLR(o, 1), nothing, clamp_weights),
    "adagrad, clip=weight_norm": (
        {"optimizer": {"name": "adagrad", "lr": 0.02}, "clip": {"name": "weight_norm", "threshold": 0.5}},
        lambda: [nn.Linear(50, 37), nn.ReLU(), nn.Linear(37, 10)],
        lambda p: optim.Adagrad(p, 0.02), lambda o: rates.ConstantLR(o, 1), nothing, max_norm),
    "grad_weight, linear model": (
        {"optimizer": {"name": "sgd", "lr": 0.5}, "model": narrow(hidden=[]),
         "clip": {"name": "grad_weight", "grad_threshold": 0.3, "weight_threshold": 0.1}},
        lambda: [nn.Linear(50, 10)],
        lambda p: optim.SGD(p, 0.5), lambda o: rates.ConstantLR(o, 1), clip_norm(0.3), clamp_weights),
}  # fmt: skip


def from_zero(optimizer: torch.optim.SGD) -> torch.optim.SGD:
    """PyTorch's momentum buffer starts as the first gradient; `momentum` starts at 0, as its formula says."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def assert_twins(ours: nn.Sequential, theirs: nn.Sequential) -> None:
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        if a.is_floating_point():
            torch.testing.assert_close(a, b, rtol=2e-5, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step:UserWarning")
@pytest.mark.parametrize("name", TWINS)
def test_a_plain_loop_ends_at_the_same_parameters(name):
    """As the middle one of a stack of three, so that all the machinery is on."""
    words, layers, make, schedule, after_backward, after_step = TWINS[name]
    stack: list[Experiment] = [experiment(seed=seed, epochs=EPOCHS, batch_size=BATCH, **words) for seed in range(3)]
    training = Training(stack, DATA)
    start = training.of(1)
    twin = module(layers(), training.layout, start.theta[0], start.statistics[0])
    untrained = module(layers(), training.layout, start.theta[0], start.statistics[0])
    optimizer = make(twin.parameters())
    plain_loop(twin, 1, optimizer, schedule(optimizer), after_backward, after_step, DATA)
    records = [record for batch in training for record in batch if record.run == 1]
    end = training.of(1)
    ours = module(layers(), training.layout, end.theta[0], end.statistics[0])
    assert_twins(ours, twin)
    with pytest.raises(AssertionError):  # something did happen
        assert_twins(untrained, twin)
    assert_metrics(records[-1].metrics, twin.eval(), DATA)


def assert_metrics(metrics: dict[str, float], twin: nn.Module, data: Tensors) -> None:
    for split in ("valid", "test"):
        samples = getattr(data, split)
        logits = twin(samples.images[:, : data.features]).detach()
        assert metrics[f"{split}/loss"] == pytest.approx(
            nn.functional.cross_entropy(logits, samples.labels).item(), rel=1e-4
        )
        assert metrics[f"{split}/accuracy"] == pytest.approx(
            (logits.argmax(1) == samples.labels).double().mean().item()
        )


def test_metrics_of_the_training_are_those_of_the_plain_loop():
    """Loss and accuracy over an epoch before each update, norms of the last update, layer by layer."""
    (record,) = outcome([experiment(epochs=1, optimizer={"name": "sgd", "lr": 0.5})], DATA).records[0]
    training = Training([experiment(epochs=1)], DATA)
    twin = module(
        [nn.Linear(50, 37), nn.ReLU(), nn.Linear(37, 10)], training.layout, training.of(0).theta[0], torch.empty(0)
    )
    loss = correct = 0.0
    for index in order(0, 0, 94).split(BATCH):
        twin.zero_grad()
        before = [p.detach().clone() for p in twin.parameters()]
        logits, labels = twin(DATA.train.images[index, :50]), DATA.train.labels[index]
        mean = nn.functional.cross_entropy(logits, labels)
        mean.backward()
        loss, correct = loss + mean.item() * len(index), correct + (logits.argmax(1) == labels).sum().item()
        with torch.no_grad():
            for p in twin.parameters():
                p -= 0.5 * p.grad
    expected = {"train/loss": loss / 94, "train/accuracy": correct / 94, "lr": 0.5}
    expected["grad_norm"] = norm([p.grad for p in twin.parameters()])
    for layer, rows in (("linear1", slice(0, 2)), ("linear2", slice(2, 4))):
        now, old = list(twin.parameters())[rows], before[rows]
        expected[f"grad_norm/{layer}"] = norm([p.grad for p in now])
        expected[f"weight_norm/{layer}"] = norm(now)
        expected[f"update_ratio/{layer}"] = norm([p - q for p, q in zip(now, old, strict=True)]) / norm(old)
    found = {name: value for name, value in record.metrics.items() if not name.startswith(("valid", "test"))}
    assert found == pytest.approx(expected, rel=1e-4)


def norm(tensors: list[torch.Tensor]) -> float:
    return torch.cat([tensor.detach().flatten() for tensor in tensors]).norm().item()


def test_batch_gd_follows_its_formula_in_float64():
    """θ ← θ − η∇L over the whole training set, three times, with NumPy and the chain rule: to 1e-5."""
    e = experiment(optimizer={"name": "batch_gd", "lr": 0.5}, batch_size=None, epochs=3, seed=3)
    training = Training([e], DATA)
    segments = training.layout.parameters
    rows = training.state.theta.double()
    w1, b1, w2, b2 = (segments[at].view(rows)[0].numpy().copy() for at in segments)
    x, y = DATA.train.images[:, :50].double().numpy(), np.eye(10)[DATA.train.labels.numpy()]
    losses = []
    for _ in range(3):
        h = np.maximum(x @ w1.T + b1, 0)
        z = np.exp(h @ w2.T + b2)
        losses.append(-np.log((z / z.sum(1, keepdims=True) * y).sum(1)).mean())
        dz = (z / z.sum(1, keepdims=True) - y) / len(x)
        dh = (dz @ w2) * (h > 0)
        w1, b1 = w1 - 0.5 * dh.T @ x, b1 - 0.5 * dh.sum(0)
        w2, b2 = w2 - 0.5 * dz.T @ h, b2 - 0.5 * dz.sum(0)
    start = training.of(0).theta
    records = [record for batch in training for record in batch]
    assert [record.metrics["train/loss"] for record in records] == pytest.approx(losses, rel=1e-5)
    for at, expected in zip(segments, (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(
            segments[at].view(training.state.theta)[0].double().numpy(), expected, rtol=0, atol=1e-5
        )
        assert not torch.equal(segments[at].view(training.state.theta), segments[at].view(start))
