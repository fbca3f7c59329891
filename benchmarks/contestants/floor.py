"""The floor: the matrix products of an epoch and nothing else, on one batch that is always the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.work import Clock, Work
from trainer.engine.matmul import multiplication


def epochs(work: Work, n: int, clock: Clock, runs: int = 1, device: str = "cpu", by: str = "train") -> None:
    """`by` says who multiplies: "torch" its public operation, "train" what it takes itself, oneDNN for large ones on x86."""
    batch = len(work.labels) if work.batch == "full" else int(work.batch)
    whole, rest = divmod(len(work.labels), batch)
    with torch.inference_mode():
        update = products(work, batch, runs, device, by)
        last = products(work, rest, runs, device, by) if rest else None
        for _ in range(n):
            clock.start()
            for _ in range(whole):
                update()
            if last:
                last()
            if device != "cpu":
                torch.cuda.synchronize()
            clock.stop()


def products(work: Work, batch: int, runs: int, device: str, by: str) -> Callable[[], None]:
    """The products of one update, forward xW and backward the gradient and δWᵀ of every layer (no δWᵀ of the first).

    Each library finds what suits it: torch W [in, out] and its gradient xᵀδ, `train` W [out, in] and δᵀx.
    """
    torch.backends.cuda.matmul.allow_tf32 = work.precision == "tf32"
    inputs_first, lead = by == "torch", () if by == "torch" and runs == 1 else (runs,)
    pairs = zip(work.widths, work.widths[1:], strict=False)
    stored = [new(work, device, *lead, *(pair if inputs_first else pair[::-1])) for pair in pairs]
    w, g = [z if inputs_first else z.mT for z in stored], [torch.empty_like(z) for z in stored]
    x = [new(work, device, *lead, batch, width) for width in work.widths]
    y = [torch.empty_like(z) for z in x]

    def product(a: Tensor, b: Tensor, out: Tensor) -> Callable[[], object]:
        if by == "train":
            return multiplication(a, b, out)
        return partial(torch.bmm if lead else torch.mm, a, b, out=out)

    made = [product(x[i], weight, y[i + 1]) for i, weight in enumerate(w)]
    for i, weight in reversed(list(enumerate(w))):
        a, b = (x[i], x[i + 1]) if inputs_first else (x[i + 1], x[i])
        made.append(product(a.mT, b, g[i]))
        if i:
            made.append(product(x[i + 1], weight.mT, y[i]))

    def update() -> None:
        for make in made:
            make()

    return update


def new(work: Work, device: str, *shape: int) -> Tensor:
    return torch.rand(*shape, device=device, dtype=torch.bfloat16 if work.precision == "bf16" else torch.float32)
