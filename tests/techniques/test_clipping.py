"""Each clip against its formula written plainly, clip_grad_norm_ as oracle, and what must hold for any vector."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from subjects import experiment, outcome, tiny
from torch import Tensor

from trainer.engine.loop import Training
from trainer.engine.step import Step
from trainer.techniques.clipping import CLIPS, GradientClip, WeightClip, row_norm

RUNS = 4
Tensors = dict[tuple[str, str], Tensor]
"""The tensors of one run by (layer, role), weights [out, in]."""


def whole(tensors: Tensors) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def clamped(tensors: Tensors, threshold: float) -> Tensors:
    return {name: torch.clamp(tensor, -threshold, threshold) for name, tensor in tensors.items()}


def oracle_grad(g: Tensors, theta: Tensors, threshold: float) -> Tensors:
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in g.values()]
    for parameter in parameters:
        parameter.grad = parameter.detach().clone()
    torch.nn.utils.clip_grad_norm_(parameters, threshold)
    return {name: parameter.grad for name, parameter in zip(g, parameters, strict=True)}


def oracle_agc(g: Tensors, theta: Tensors, threshold: float) -> Tensors:
    """Unit by unit: a row of weights with its gradient, a bias vector as one unit, the output layer left alone."""
    result = {}
    for (layer, role), grad in g.items():
        w, new = theta[layer, role], grad.clone()
        for unit in range(len(grad)) if layer != "linear3" else []:
            most = threshold * max(float(w[unit].norm()), 1e-3)
            if float(grad[unit].norm()) > most:
                new[unit] = grad[unit] * most / grad[unit].norm()
        result[layer, role] = new
    return result


def oracle_weight_norm(theta: Tensors, threshold: float) -> Tensors:
    def projected(w: Tensor) -> Tensor:
        return torch.stack([unit if unit.norm() <= threshold else unit * threshold / unit.norm() for unit in w])

    return {(layer, role): projected(w) if role == "weight" else w for (layer, role), w in theta.items()}


GRADIENT: dict[str, Callable[..., Tensors]] = {
    "grad": oracle_grad,
    "grad_value": lambda g, theta, threshold: clamped(g, threshold),
    "grad_article": lambda g, theta, threshold: clamped(g, threshold / float(whole(g).norm())),
    "agc": oracle_agc,
    "grad_weight": lambda g, theta, grad_threshold, weight_threshold: oracle_grad(g, theta, grad_threshold),
}
WEIGHTS: dict[str, Callable[..., Tensors]] = {
    "weight": clamped,
    "weight_norm": oracle_weight_norm,
    "weight_article": lambda theta, threshold: clamped(theta, threshold / float(whole(theta).norm())),
    "grad_weight": lambda theta, grad_threshold, weight_threshold: clamped(theta, weight_threshold),
}


def rig(word: str, norm: str = "none") -> Step:
    """A stack of runs, 50-37-21-10, bound to the clip; thresholds are set by `clip_with`."""
    stack = [
        experiment(seed=seed, clip=word, normalization=norm, model={"name": "mlp", "hidden": [37, 21]})
        for seed in range(RUNS)
    ]
    return Training(stack, tiny()).chunks.steps[0]


RIGS = {word: rig(word) for word in CLIPS}


def filled(step: Step, rows: Tensor, seed: int, scales: list[float]) -> None:
    """Random numbers of a scale a run in the places of the parameters, nothing between them."""
    rows.zero_()
    stream = torch.Generator().manual_seed(seed)
    for place in step.layout.parameters.values():
        view = place.view(rows)
        view.copy_(torch.randn(view.shape, generator=stream) * torch.tensor(scales).view(-1, 1, 1))


def tensors_of(step: Step, rows: Tensor, run: int) -> Tensors:
    return {name: place.view(rows)[run].clone() for name, place in step.layout.parameters.items()}


def thresholds(word: str, values: list[float]) -> list[dict[str, float]]:
    """The fields of the clip for each run."""
    names = [field.name for field in dataclasses.fields(CLIPS[word])]
    return [{name: value * 2**i for i, name in enumerate(names)} for value in values]


def clip_with(word: str, fields: list[dict[str, float]]):
    return CLIPS[word](**{name: torch.tensor([[f[name]] for f in fields]) for name in fields[0]})


def clip_gradient(step: Step, clip) -> Tensor:
    return clip.clip_gradient(step.g, row_norm(step.g), step.network.parameters)


def apply(step: Step, clip) -> Tensor:
    """Clip the gradient or, for a clip of weights, the parameters; returns the rows that it acts on."""
    if isinstance(clip, GradientClip):
        clip_gradient(step, clip)
        return step.g
    clip.clip_weights(step.state.theta, step.network.parameters)
    return step.state.theta


def test_every_clip_has_an_oracle():
    assert set(CLIPS) - {"none"} == GRADIENT.keys() | WEIGHTS.keys()
    assert {word for word, clip in CLIPS.items() if issubclass(clip, GradientClip)} == GRADIENT.keys()
    assert {word for word, clip in CLIPS.items() if issubclass(clip, WeightClip)} == WEIGHTS.keys()


@pytest.mark.parametrize("word", GRADIENT)
def test_a_gradient_clip_is_its_formula_run_for_run(word):
    """Rows of other sizes and thresholds: some clipped, some not. float32 rounds each factor once or twice: 2e-6."""
    step, fields = RIGS[word], thresholds(word, [0.001, 0.05, 1.0, 1000.0])
    filled(step, step.state.theta, 1, [0.1, 0.1, 1.0, 1e-5])
    filled(step, step.g, 2, [1e-7, 0.01, 10.0, 1.0])
    g, theta = ([tensors_of(step, rows, run) for run in range(RUNS)] for rows in (step.g, step.state.theta))
    flags = clip_gradient(step, clip_with(word, fields))
    changed = []
    for run in range(RUNS):
        expected = GRADIENT[word](g[run], theta[run], **fields[run])
        for name, tensor in tensors_of(step, step.g, run).items():
            torch.testing.assert_close(tensor, expected[name], rtol=2e-6, atol=0)
        changed.append(any(not torch.equal(expected[name], g[run][name]) for name in expected))
    assert flags.squeeze(1).tolist() == changed
    assert True in changed and False in changed


@pytest.mark.parametrize("word", WEIGHTS)
def test_a_weight_clip_is_its_formula_run_for_run(word):
    step, fields = RIGS[word], thresholds(word, [0.001, 0.5, 5.0, 1000.0])
    filled(step, step.state.theta, 1, [0.1, 1.0, 1.0, 1.0])
    theta = [tensors_of(step, step.state.theta, run) for run in range(RUNS)]
    clip_with(word, fields).clip_weights(step.state.theta, step.network.parameters)
    for run in range(RUNS):
        expected = WEIGHTS[word](theta[run], **fields[run])
        for name, tensor in tensors_of(step, step.state.theta, run).items():
            torch.testing.assert_close(tensor, expected[name], rtol=2e-6, atol=0)


@pytest.mark.parametrize("threshold, size, clipped", [(1e-4, 1e-8, False), (1e-4, 1e-3, True), (0.1, 0.0, False)])
def test_agc_leaves_the_smallest_gradients_and_dead_units_alone(threshold, size, clipped):
    """Parameters of 0 may take a gradient of c · 1e-3, however small that is."""
    step = RIGS["agc"]
    step.state.theta.zero_()
    filled(step, step.g, 3, [size] * RUNS)
    before = step.g.clone()
    flags = clip_gradient(step, clip_with("agc", thresholds("agc", [threshold] * RUNS)))
    assert flags.all() == clipped and flags.any() == clipped
    assert torch.equal(step.g, before) != clipped


scales = st.floats(-7, 5).map(lambda exponent: 10**exponent)
draws = st.tuples(st.integers(0, 2**31), st.lists(scales, min_size=RUNS, max_size=RUNS))


def prepared(word: str, draw: tuple[int, list[float]]) -> tuple[Step, Tensor, Tensor]:
    """The rig with drawn numbers; the rows that the clip will change, and a copy of them."""
    step, (seed, sizes) = RIGS[word], draw
    filled(step, step.state.theta, seed, sizes[::-1])
    filled(step, step.g, seed + 1, sizes)
    rows = step.g if issubclass(CLIPS[word], GradientClip) else step.state.theta
    return step, rows, rows.clone()


TRUE_CLIPS = [word for word in CLIPS if word != "none"]


@pytest.mark.parametrize("word", TRUE_CLIPS)
@given(draw=draws, values=st.lists(scales, min_size=RUNS, max_size=RUNS))
def test_a_clip_shrinks_keeps_signs_and_is_idempotent(word, draw, values):
    """Twice is once, but for the 1e-6 of clip_grad_norm_, which is 1e-6/c of the vector, and rounding."""
    step, rows, before = prepared(word, draw)
    clip = clip_with(word, thresholds(word, values))
    once = apply(step, clip).clone()
    assert (once.abs() <= before.abs()).all()
    assert (once * before >= 0).all()
    if word != "agc":  # here what is allowed follows the parameters, which stay
        slack = torch.tensor(values)[:, None].reciprocal() * 1e-6 + 2e-6
        assert ((apply(step, clip) - once).abs() <= slack * once.abs() + 1e-37).all()


@pytest.mark.parametrize("word", TRUE_CLIPS)
@given(draw=draws)
def test_nothing_below_the_threshold_changes_by_a_bit(word, draw):
    step, rows, before = prepared(word, draw)
    clip = clip_with(word, thresholds(word, [1e30] * RUNS))
    if isinstance(clip, GradientClip):
        assert not clip_gradient(step, clip).any()
    assert torch.equal(apply(step, clip), before)


@pytest.mark.parametrize("word", GRADIENT)
@given(draw=draws, values=st.lists(scales, min_size=RUNS, max_size=RUNS))
def test_the_flag_says_which_runs_were_changed(word, draw, values):
    step, rows, before = prepared(word, draw)
    flags = clip_gradient(step, clip_with(word, thresholds(word, values))).squeeze(1)
    assert flags.tolist() == (rows != before).any(1).tolist()


@given(draw=draws, values=st.lists(scales, min_size=RUNS, max_size=RUNS))
def test_a_clip_by_norm_keeps_the_direction_and_ends_within_its_bound(draw, values):
    step, g, before = prepared("grad", draw)
    apply(step, clip_with("grad", thresholds("grad", values)))
    assert (row_norm(g) <= torch.tensor(values)[:, None] * (1 + 1e-5)).all()
    assert torch.cosine_similarity(g.double(), before.double(), eps=1e-30).min() > 1 - 1e-9


@given(draw=draws, values=st.lists(scales, min_size=RUNS, max_size=RUNS))
def test_max_norm_keeps_each_units_direction_and_bound(draw, values):
    step, theta, before = prepared("weight_norm", draw)
    apply(step, clip_with("weight_norm", thresholds("weight_norm", values)))
    for (_, role), place in step.layout.parameters.items():
        new, old = place.view(theta), place.view(before)
        if role == "bias":
            assert torch.equal(new, old)
        else:
            assert (new.norm(dim=2) <= torch.tensor(values)[:, None] * (1 + 1e-5)).all()
            assert torch.cosine_similarity(new.double(), old.double(), dim=2, eps=1e-30).min() > 1 - 1e-9


@pytest.mark.parametrize("word", ["grad_value", "weight", "grad_weight"])
@given(draw=draws, values=st.lists(scales, min_size=RUNS, max_size=RUNS))
def test_clamped_elements_end_within_their_bound(word, draw, values):
    step, _, _ = prepared(word, draw)
    fields = thresholds(word, values)
    clip = clip_with(word, fields)
    rows = step.g if word == "grad_value" else step.state.theta
    bound = torch.tensor([[list(f.values())[-1]] for f in fields])
    apply(step, clip)
    if isinstance(clip, WeightClip):
        clip.clip_weights(step.state.theta, step.network.parameters)
    assert (rows.abs() <= bound).all()


@pytest.mark.parametrize("word", TRUE_CLIPS)
def test_a_run_does_not_see_its_neighbours(word):
    """Row 0 comes out the same bit for bit beside small, huge and broken neighbours."""
    results = []
    for neighbour in (0.0, 1e30, float("nan")):
        step, _, _ = prepared(word, (7, [1.0] * RUNS))
        step.g[1:], step.state.theta[1:] = neighbour, neighbour
        results.append(apply(step, clip_with(word, thresholds(word, [0.01] * RUNS)))[0].clone())
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


@pytest.mark.parametrize("word", WEIGHTS)
def test_running_statistics_are_no_weights(word):
    step = rig(word, norm="batch")
    step.state.statistics.uniform_(1, 2)
    statistics, theta = step.state.statistics.clone(), step.state.theta.clone()
    clip = clip_with(word, thresholds(word, [1e-4] * RUNS))
    clip.clip_weights(step.state.theta, step.network.parameters)
    assert torch.equal(step.state.statistics, statistics) and not torch.equal(step.state.theta, theta)


def test_weight_norm_leaves_scale_and_shift_of_a_normalization():
    step = rig("weight_norm", norm="layer")
    apply(step, clip_with("weight_norm", thresholds("weight_norm", [1e-4] * RUNS)))
    for (_, role), place in step.layout.parameters.items():
        assert role != "scale" or (place.view(step.state.theta) == 1).all()


@pytest.mark.parametrize("word", GRADIENT)
def test_the_record_tells_the_fraction_of_clipped_updates(word):
    for values, fraction in ((1e-9, 1.0), (1e9, 0.0)):
        clip = {"name": word, **thresholds(word, [values])[0]}
        records = outcome([experiment(clip=clip)], tiny()).records[0]
        assert [record.metrics["clipped_fraction"] for record in records] == [fraction] * 2


def test_the_logged_norm_is_the_one_before_clipping():
    free, clipped = (
        outcome([experiment(epochs=1, record_every=1, clip=clip)], tiny()).records[0][0].metrics
        for clip in ("none", {"name": "grad", "threshold": 1e-3})
    )
    assert free["grad_norm"] == clipped["grad_norm"] > 1e-2


def test_weights_are_clipped_after_the_update_and_end_within_the_bound():
    done = outcome([experiment(clip={"name": "weight", "threshold": 0.01})], tiny())
    assert done.training.state.theta.abs().max() == torch.tensor(0.01)
