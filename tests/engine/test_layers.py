"""Each layer and its hand-written gradient against torch.nn and autograd; then whole networks."""

from __future__ import annotations

import itertools

import pytest
import torch
from subjects import experiment, tiny, update_of, words
from torch import Tensor, nn

from trainer.data.loading import Split
from trainer.engine.activations import ACTIVATIONS
from trainer.engine.layers import Affine, Dropout, Linear
from trainer.engine.loop import Training
from trainer.engine.network import initial_parameters
from trainer.engine.workspace import ALIGNMENT, Workspace
from trainer.experiment import GROUPS
from trainer.model import LayerSpec

DATA = tiny()
RUNS, BATCH, INPUTS = 3, 5, 7
TORCH = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(), "gelu": nn.GELU()}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_zeros(tensor: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """A copy in memory of at least `rows` and 16 columns, and what of it is the tensor."""
    stored = torch.zeros(RUNS, max(tensor.shape[1], rows), max(tensor.shape[2], 16))
    view = stored[:, : tensor.shape[1], : tensor.shape[2]]
    view.copy_(tensor)
    return stored, view


@pytest.mark.parametrize("inputs", [7, 20, 64])  # fewer than 16 are stored as 16, and 64 need no copy at all
@pytest.mark.parametrize("outputs", [4, 18, 64])
def test_linear(float64, inputs, outputs):
    """Given new tensors, one new beside one that it knows, both filled anew."""
    values = with_zeros(draw(RUNS, outputs, inputs, seed=1), 16), with_zeros(draw(RUNS, 1, outputs, seed=2), 1)
    grads = [with_zeros(torch.full_like(view, torch.nan), stored.shape[1]) for stored, view in values]
    (stored_weight, weight), (stored_bias, bias) = values
    spec, workspace = LayerSpec("linear", "linear1", inputs, outputs, 1), Workspace(torch.device("cpu"))
    layer = Linear(spec, (stored_weight, stored_bias), (grads[0][0], grads[1][0]), workspace, needs_dx=True)
    first, second = ((draw(RUNS, BATCH, inputs, seed=i), draw(RUNS, BATCH, outputs, seed=i + 9)) for i in (3, 4))
    third = draw(RUNS, BATCH, inputs, seed=5), second[1]
    for x, dy in (first, second, third, third, (third[0], first[1])):
        y, dx = layer.forward(x, None).clone(), layer.backward(dy)
        for run in range(RUNS):
            oracle = nn.Linear(inputs, outputs)
            oracle.weight.data, oracle.bias.data = weight[run], bias[run, 0]
            plain = x[run].clone().requires_grad_()
            oracle(plain).backward(dy[run])
            torch.testing.assert_close(y[run], oracle(plain).detach())
            torch.testing.assert_close(dx[run], plain.grad)
            torch.testing.assert_close(grads[0][1][run], oracle.weight.grad)
            torch.testing.assert_close(grads[1][1][run, 0], oracle.bias.grad)
        for stored, view in grads:
            assert stored.count_nonzero() == view.count_nonzero() > 0
        x.mul_(-2), dy.add_(1)


def test_affine(float64):
    scale, shift = (draw(RUNS, 1, INPUTS, seed=seed).requires_grad_() for seed in (1, 2))
    grads = torch.empty(RUNS, 1, INPUTS), torch.empty(RUNS, 1, INPUTS)
    x, dy = draw(RUNS, BATCH, INPUTS).requires_grad_(), draw(RUNS, BATCH, INPUTS, seed=3)
    expected = scale * x + shift
    expected.backward(dy)
    layer = Affine((scale.detach(), shift.detach()), grads)
    torch.testing.assert_close(layer.forward(x.detach(), None), expected.detach())
    torch.testing.assert_close(layer.backward(dy), x.grad)
    torch.testing.assert_close(grads[0], scale.grad)
    torch.testing.assert_close(grads[1], shift.grad)


def test_every_activation_has_an_oracle():
    assert set(ACTIVATIONS) == set(TORCH) == set(words("activation"))


@pytest.mark.parametrize("word", ACTIVATIONS)
def test_activation(word):
    """Far out too, where exp overflows and tanh is flat, and at 0, where relu has a kink."""
    far = torch.linspace(-800, 800, 33, dtype=torch.float64).repeat(RUNS, 1, 1)
    x = torch.cat([draw(RUNS, BATCH, 33) * 3, far], 1)
    plain, dy = x.clone().requires_grad_(), draw(*x.shape, seed=1)
    expected = TORCH[word](plain)
    expected.backward(dy)
    layer = ACTIVATIONS[word]()
    torch.testing.assert_close(layer.forward(x, None), expected.detach(), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(layer.backward(dy.clone()), plain.grad, rtol=1e-12, atol=1e-15)


def test_dropout_is_torchs_for_the_same_mask():
    """y = x · mask/(1 − rate) forward and backward, the mask read off a layer of ones."""
    rates = [0.2, 0.5, 0.9]
    layer = Dropout([1, 2, 3], rates, torch.device("cpu"))
    t, x, dy = torch.tensor([4.0]), draw(RUNS, BATCH, INPUTS), draw(RUNS, BATCH, INPUTS, seed=1)
    kept = layer.forward(torch.ones_like(x), t) > 0
    gain = (1 / (1 - torch.tensor(rates, dtype=torch.float64))).view(-1, 1, 1)
    torch.testing.assert_close(layer.forward(x, t), x * kept * gain, rtol=1e-6, atol=0)
    torch.testing.assert_close(layer.backward(dy.clone()), dy * kept * gain, rtol=1e-6, atol=0)


def test_memory_is_kept_and_its_runs_start_alike():
    workspace = Workspace(torch.device("cpu"))
    for shape in ((29, 37), (7, 10), (128, 128)):
        buffer = workspace("any", 5, *shape)
        assert workspace("any", 5, *shape) is buffer is not workspace("other", 5, *shape)
        assert buffer.shape == (5, *shape) and buffer.stride(0) % ALIGNMENT == 0
        assert len({buffer[run].data_ptr() % 64 for run in range(5)}) == 1


def plain_logits(network, x: Tensor, theta: Tensor) -> Tensor:
    """The same layers with autograd's tools, on rows of parameters that require a gradient; masks are the network's own."""
    layers = zip(network.layout.specs, network.layers, strict=True)
    for spec, layer in layers:
        if spec.kind in ("linear", "affine"):
            a, b = (
                segment.view(theta) for (name, _), segment in network.layout.parameters.items() if name == spec.name
            )
            x = x @ a.mT + b if spec.kind == "linear" else x * a + b
        elif spec.kind == "standardize":
            mean, var = x.mean(layer.axis, keepdim=True), x.var(layer.axis, keepdim=True, unbiased=False)
            x = (x - mean) / (var + layer.eps).sqrt()
        else:
            x = x * layer.mask if spec.kind == "dropout" else TORCH[spec.name](x)
    return x


NETWORKS = [
    ("none", "relu", [], "none"),
    *itertools.product(GROUPS["normalization"], words("activation"), [[37], [9, 8, 7]], GROUPS["dropout"]),
]


@pytest.mark.parametrize("normalization, activation, hidden, dropout", NETWORKS)
def test_the_gradient_of_a_whole_network_is_autograds(float64, normalization, activation, hidden, dropout):
    """In double precision; 1e-9 of the largest gradient leaves room for the order of sums alone."""
    rates = {"name": "half", "rate": 0.3, "input_rate": 0.2} if dropout == "half" else "none"
    model = {"name": "mlp", "hidden": hidden, "activation": activation, "init_scale": 2.0}
    stack = [experiment(seed=seed, normalization=normalization, dropout=rates, model=model) for seed in range(2)]
    step = Training(stack, DATA).chunks.steps[0]
    step.pixels, network, theta = step.pixels.double(), step.network, step.state.theta
    index = torch.arange(22).view(2, 11)
    given, labels = update_of(DATA.train.labels[index]), DATA.train.labels[index]
    x = step._batch(index.flatten())
    network.backward(step.loss.gradient(network.forward(x, step.t.fill_(3)), given.dlog_p, step.loss.buffer(given)))
    plain = theta.clone().requires_grad_()
    losses = nn.functional.cross_entropy(plain_logits(network, x, plain).mT, labels, reduction="none")
    losses.mean(1).sum().backward()
    used = torch.zeros_like(theta)
    for segment in network.layout.parameters.values():
        segment.view(used).fill_(1)
    assert plain.grad.abs().max() > 1e-3
    torch.testing.assert_close(step.g * used, plain.grad, rtol=1e-9, atol=1e-9 * float(plain.grad.abs().max()))
    assert (step.g * (1 - used)).count_nonzero() == 0


@pytest.mark.parametrize("init", words("init"))
def test_initial_values_have_the_spread_their_name_promises(init):
    """784 → 300: 235,200 draws give the deviation to 1 %; the largest shows a uniform's bound."""
    model = {"name": "mlp", "hidden": [300], "init": init, "init_scale": 1.5}
    layout = Training([e := experiment(model=model)], tiny(784)).layout
    theta = initial_parameters(layout, e.model, seed=4)[None]
    weight, bias = (layout.parameters["linear1", role].view(theta) for role in ("weight", "bias"))
    bound = {"default": 784**-0.5, "xavier": (6 / (784 + 300)) ** 0.5}
    deviation = {"he": (2 / 784) ** 0.5, "normal": 1.0, **{word: b / 3**0.5 for word, b in bound.items()}}
    assert weight.std().item() == pytest.approx(1.5 * deviation[init], rel=0.01)
    assert abs(weight.mean().item()) < 0.01 * weight.std().item()
    if init in bound:
        assert 0.999 < weight.abs().max().item() / (1.5 * bound[init]) <= 1
    if init == "default":
        assert 0.9 < bias.abs().max().item() / bound[init] <= 1
    else:
        assert (bias == 0).all()


def test_torchs_own_linear_has_the_default_spread():
    """The oracle of `init=default`: uniform ±1/√fan_in for both."""
    torch.manual_seed(0)
    oracle = nn.Linear(784, 300)
    assert 0.999 < oracle.weight.abs().max().item() * 784**0.5 <= 1
    assert 0.9 < oracle.bias.abs().max().item() * 784**0.5 <= 1


def test_evaluation_leaves_no_trace(float64):
    """Logits in evaluation do not change what training does next, and need no whole batch."""
    stack = [experiment(normalization="batch", dropout="half")]
    step = Training(stack, tiny()).chunks.steps[0]
    step.pixels = step.pixels.double()
    state = step.state.copy()
    alone = step.network.forward(step.pixels[None, :1, : step.features])
    among = step.network.forward(step.pixels[None, :64, : step.features])
    torch.testing.assert_close(alone[0, 0], among[0, 0], rtol=1e-12, atol=1e-12)
    assert torch.equal(step.state.theta, state.theta) and torch.equal(step.state.statistics, state.statistics)


def test_evaluate_sums_over_all_samples():
    """1,100 samples make three uneven chunks."""
    from trainer.engine.evaluation import evaluate

    data = tiny(held_out=1100)
    network = Training([experiment(seed=seed) for seed in range(2)], data).chunks.steps[0].network
    loss, correct, right = evaluate(network, data.valid, data.features)
    whole = Split(data.valid.images[:, : data.features], data.valid.labels)
    logits = network.forward(whole.images.expand(2, -1, -1))
    for run in range(2):
        expected = nn.functional.cross_entropy(logits[run], whole.labels)
        torch.testing.assert_close(loss[run, 0] / 1100, expected, rtol=1e-5, atol=0)
        assert correct[run] == (logits[run].argmax(1) == whole.labels).sum()
