"""Each optimizer against torch.optim over several steps, row for row, and `momentum` against its closed form."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from oracles import ORACLES, torch_path
from subjects import experiment, tiny
from torch import Tensor

from trainer.engine.loop import Training
from trainer.techniques.optimizers import OPTIMIZERS

STEPS = 12
RUNS = 6
RATES = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0)
"""Learning rates, a row each: a formula that is only nearly right shows at the large ones."""


def numbers(word: str, row: int, weight_decay: float) -> dict[str, float]:
    """The fields of one row: another learning rate in each, and other betas, within what the fields allow."""
    rule = OPTIMIZERS[word](weight_decay=weight_decay)
    fields = dataclasses.asdict(rule)
    shrunk = {key: fields[key] * (1 - row / 20) for key in ("beta", "beta1", "beta2", "alpha") if key in fields}
    return fields | shrunk | {"lr": RATES[row]}


def gradients(steps: int, size: int) -> Tensor:
    """[steps, size] of both signs and of sizes from 1e-6 to 1e2, with zeros among them."""
    stream = torch.Generator().manual_seed(5)
    scale = 10 ** (torch.rand(steps, size, generator=stream, dtype=torch.float64) * 8 - 6)
    g = torch.randn(steps, size, generator=stream, dtype=torch.float64) * scale
    g[:, :3] = 0
    return g


def test_every_optimizer_has_an_oracle():
    assert list(ORACLES) == list(OPTIMIZERS)


@pytest.mark.parametrize("word", ORACLES)
def test_the_formula_is_that_of_torch_optim(word):
    """In double precision, where only the order of operations may differ: 12 steps of 1e-16 each, so 1e-12 is generous."""
    fields = [numbers(word, row, 0.0) for row in range(RUNS)]
    rule = OPTIMIZERS[word](**{key: torch.tensor([[f[key]] for f in fields], dtype=torch.float64) for key in fields[0]})
    grads = gradients(STEPS, 64)
    theta = torch.randn(RUNS, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = [torch_path(word, f, theta[row], grads) for row, f in enumerate(fields)]
    slots = [torch.zeros_like(theta) for _ in rule.slots]
    for t, g in enumerate(grads):
        rule.update(theta, g.expand(RUNS, -1).clone(), rule.lr, torch.tensor([float(t)], dtype=torch.float64), *slots)
        for row, path in enumerate(expected):
            torch.testing.assert_close(theta[row], path[t], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.03])
@pytest.mark.parametrize("word", ORACLES)
def test_a_stack_of_different_numbers_follows_its_own_torch_optim(word, weight_decay, float64):
    """Through the program's own step, weight decay included, a torch.optim instance a row.

    In double precision, because a sign of g + λθ near 0 would decide steps of adagrad and rmsprop; but the numbers of a stack
    are float32, and so is the logarithm in Adam's correction of bias: 1e-6 of the largest parameter so far.
    """
    exact = [numbers(word, row, weight_decay) for row in range(RUNS)]
    fields = [{key: torch.tensor(value, dtype=torch.float32).item() for key, value in f.items()} for f in exact]
    batch = "full" if word == "batch_gd" else 29
    stack = [experiment(seed=r, batch_size=batch, optimizer={"name": word, **f}) for r, f in enumerate(fields)]
    step = Training(stack, tiny()).chunks.steps[0]
    theta = step.state.theta
    grads = gradients(STEPS, theta.shape[1])
    grads += 0.5 * grads.sign()  # away from 0, where weight decay may cancel g and leave nothing but rounding
    expected = [torch_path(word, f, theta[row], grads) for row, f in enumerate(fields)]
    largest = theta.abs().amax(1)
    step.lr.copy_(torch.tensor([[f["lr"]] for f in fields]))
    for t, g in enumerate(grads):
        step.g.copy_(g.expand(RUNS, -1))
        step.t.fill_(t)
        step._apply()
        largest = torch.maximum(largest, theta.abs().amax(1))
        for row, path in enumerate(expected):
            torch.testing.assert_close(theta[row], path[t], rtol=1e-5, atol=3e-5 * float(largest[row]))


def test_momentum_is_the_moving_average_that_its_closed_form_says():
    """v_t = (1−β) Σ βᵗ⁻ⁱ gᵢ from v = 0, and θ falls by η times the sum of all v."""
    beta, lr = 0.8, 0.7
    rule = OPTIMIZERS["momentum"](lr=lr, beta=torch.tensor([[beta]], dtype=torch.float64))
    grads = gradients(STEPS, 16)
    theta, v = torch.ones(1, 16, dtype=torch.float64), torch.zeros(1, 16, dtype=torch.float64)
    for t, g in enumerate(grads):
        rule.update(theta, g[None].clone(), torch.tensor([[lr]]), torch.tensor([float(t)]), v)
    weights = [(1 - beta) * sum(beta ** (t - i) for t in range(i, STEPS)) for i in range(STEPS)]
    closed = 1 - lr * (torch.tensor(weights, dtype=torch.float64)[:, None] * grads).sum(0)
    torch.testing.assert_close(theta[0], closed, rtol=1e-7, atol=1e-7)  # η came as float32
    last = sum((1 - beta) * beta ** (STEPS - 1 - i) * grads[i] for i in range(STEPS))
    torch.testing.assert_close(v[0], last, rtol=1e-12, atol=1e-12)


def test_heavy_ball_settles_at_a_step_ten_times_that_of_momentum():
    """Under a constant gradient, β = 0.9: 1/(1−β) times."""
    falls = {}
    for word in ("momentum", "heavy_ball"):
        rule = OPTIMIZERS[word](beta=torch.tensor([[0.9]]))
        theta, v, one = torch.zeros(1, 1), torch.zeros(1, 1), torch.ones(1, 1)
        for t in range(300):
            before = theta.clone()
            rule.update(theta, one.clone(), one, torch.tensor([float(t)]), v)
        falls[word] = float(before - theta)
    assert falls["heavy_ball"] / falls["momentum"] == pytest.approx(10, rel=1e-3)


@pytest.mark.parametrize("beta1, beta2", [(0.0, 0.0), (0.9, 0.0), (0.0, 0.999), (0.999, 0.99999)])
def test_adam_at_the_ends_of_its_betas(beta1, beta2):
    """β = 0 corrects nothing, and near 1 float32 keeps enough digits of 1 − βᵗ."""
    fields = {"lr": 0.1, "beta1": beta1, "beta2": beta2, "eps": 1e-8}
    rule = OPTIMIZERS["adam"](**{key: torch.tensor([[value]]) for key, value in fields.items()})
    grads, theta = gradients(STEPS, 32), torch.zeros(1, 32)
    expected = torch_path("adam", {**fields, "weight_decay": 0.0}, theta[0].double(), grads)
    slots = [torch.zeros_like(theta) for _ in rule.slots]
    for t, g in enumerate(grads):
        rule.update(theta, g[None].float(), rule.lr, torch.tensor([float(t)]), *slots)
        torch.testing.assert_close(theta[0].double(), expected[t], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("word", OPTIMIZERS)
def test_padding_between_the_parameters_stays_zero(word):
    """Rows of θ have gaps; a formula that put anything there (0/0, say) would spoil every norm."""
    training = Training([experiment(batch_size="full", epochs=3, optimizer=word)], tiny())
    used = torch.zeros_like(training.state.theta, dtype=torch.bool)
    for place in training.layout.parameters.values():
        place.view(used).fill_(True)
    for _ in training:
        pass
    assert not used.all()
    for rows in (training.state.theta, *training.state.slots):
        assert rows[used].count_nonzero() > 0 and (rows[~used] == 0).all()
