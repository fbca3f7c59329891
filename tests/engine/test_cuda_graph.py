"""Captured updates: what is captured and handed over, on any machine; CUDA's graphs themselves where there is a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from subjects import experiment, tiny

from trainer.data.loading import Split
from trainer.data.tensors import Tensors
from trainer.engine.cuda_graph import Replayed, cuda_graph
from trainer.engine.loop import Training
from trainer.experiment import Experiment

CASES: list[dict[str, Any]] = [
    {"optimizer": "heavy_ball", "clip": "grad", "decay": "cosine"},
    {"optimizer": "adam", "normalization": "batch", "dropout": "half", "clip": "weight"},
    {"optimizer": "momentum", "staleness": "random", "clip": "grad"},
    {"optimizer": "adamw", "normalization": "layer", "model": {"name": "mlp", "hidden": [9, 21], "activation": "gelu"}},
]


def trained(stack: list[Experiment], data: Tensors, capture: Callable | None) -> tuple[Training, list[dict]]:
    training = Training(stack, data)
    for step in training.chunks.steps:
        step.replayed = None if capture is None else Replayed(capture)
    return training, [record.metrics for records in training for record in records]


def stack_of(keys: dict[str, Any], device: str = "cpu") -> list[Experiment]:
    """Ten epochs of three batches and a smaller one, three runs, a record every five updates."""
    return [experiment(seed=seed, epochs=10, record_every=5, device=device, **keys) for seed in range(3)]


@pytest.mark.parametrize("keys", CASES)
def test_an_update_reads_nothing_but_what_is_handed_over(keys):
    """With a capture that calls the function once more on the memory it was captured with, as a graph does."""
    plain, metrics = trained(stack_of(keys), tiny(), None)
    captured, same = trained(stack_of(keys), tiny(), lambda function, _: function)
    assert torch.equal(plain.state.theta, captured.state.theta) and metrics == same != []
    # an epoch's last and smaller batch comes with a record, whose update is made operation by operation
    assert all(step.replayed and list(step.replayed.captured) == [29] for step in captured.chunks.steps)


def on_gpu(data: Tensors) -> Tensors:
    moved = {
        name: Split(getattr(data, name).images.cuda(), getattr(data, name).labels.cuda())
        for name in ("train", "valid", "test")
    }
    return replace(data, **moved, device=torch.device("cuda", 0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")
@pytest.mark.parametrize("keys", CASES)
def test_a_cuda_graph_is_the_same_update(keys):
    """The same kernels in the same order: equal, up to a library's choosing another product inside a capture."""
    data = on_gpu(tiny())
    plain, metrics = trained(stack_of(keys, "cuda"), data, None)
    captured, same = trained(stack_of(keys, "cuda"), data, cuda_graph)
    torch.testing.assert_close(plain.state.theta, captured.state.theta, rtol=1e-5, atol=1e-6)
    assert [m.keys() for m in metrics] == [m.keys() for m in same] != []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")
@pytest.mark.parametrize("keys", CASES)
def test_a_gpu_reaches_what_the_cpu_does(keys):
    """A few updates, within what rounding in another order can do to them."""
    few = [experiment(seed=seed, device="cuda", epochs=1, **keys) for seed in range(3)]
    gpu, _ = trained(few, on_gpu(tiny()), cuda_graph)
    cpu, _ = trained(few, tiny(), None)
    torch.testing.assert_close(gpu.state.theta.cpu(), cpu.state.theta, rtol=1e-3, atol=1e-4)
