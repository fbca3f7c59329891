"""The floor: the matrix products of an epoch and nothing else, on one batch that is always the same."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.work import Clock, Work
from trainer.products import multiply


def epochs(work: Work, n: int, clock: Clock, runs: int = 1, device: str = "cpu", by: str = "onednn") -> None:
    """`by` says who multiplies: "torch" its public operation as it comes, "onednn" what `train` uses for large products."""
    batch = len(work.labels) if work.batch == "full" else int(work.batch)
    whole, rest = divmod(len(work.labels), batch)
    products = {"torch": by_torch, "onednn": by_onednn}[by]
    with torch.inference_mode():
        update = products(work, batch, runs, device)
        last = products(work, rest, runs, device) if rest else None
        for _ in range(n):
            clock.start()
            for _ in range(whole):
                update()
            if last:
                last()
            if device != "cpu":
                torch.cuda.synchronize()
            clock.stop()


def by_torch(work: Work, batch: int, runs: int, device: str) -> Callable[[], None]:
    """The products of one update, forward xW and backward xᵀδ and δWᵀ of every layer (no δWᵀ of the first), out in place."""
    multiply, lead = (torch.mm, ()) if runs == 1 else (torch.bmm, (runs,))
    pairs = layers(work)
    x = tensors(work, [(*lead, batch, width) for width in work.widths], device)
    w, g = (tensors(work, [(*lead, *pair) for pair in pairs], device) for _ in range(2))
    y = [torch.empty_like(z) for z in x]

    def update() -> None:
        for i, weight in enumerate(w):
            multiply(x[i], weight, out=y[i + 1])
        for i, weight in reversed(list(enumerate(w))):
            multiply(x[i].mT, x[i + 1], out=g[i])
            if i:
                multiply(x[i + 1], weight.mT, out=y[i])

    return update


def by_onednn(work: Work, batch: int, runs: int, device: str) -> Callable[[], None]:
    """The same with W [outputs, inputs], which suits oneDNN, and the large products made by it."""
    x = tensors(work, [(runs, batch, width) for width in work.widths], device)
    w, g = (tensors(work, [(runs, o, i) for i, o in layers(work)], device) for _ in range(2))
    y = [torch.empty_like(z) for z in x]

    def update() -> None:
        for i, weight in enumerate(w):
            multiply(x[i], weight.mT, y[i + 1])
        for i, weight in reversed(list(enumerate(w))):
            multiply(x[i + 1].mT, x[i], g[i])
            if i:
                multiply(x[i + 1], weight, y[i])

    return update


def layers(work: Work) -> list[tuple[int, int]]:
    """Inputs and outputs of each."""
    return list(zip(work.widths, work.widths[1:], strict=False))


def tensors(work: Work, shapes: list[tuple[int, ...]], device: str) -> list[Tensor]:
    torch.backends.cuda.matmul.allow_tf32 = work.precision == "tf32"
    dtype = torch.bfloat16 if work.precision == "bf16" else torch.float32
    return [torch.rand(*shape, device=device, dtype=dtype) for shape in shapes]
