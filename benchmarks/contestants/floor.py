"""The floor: the matrix products of an epoch and nothing else, on one batch that is always the same."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.work import Clock, Work


def epochs(work: Work, n: int, clock: Clock, runs: int = 1, device: str = "cpu") -> None:
    batch = len(work.labels) if work.batch == "full" else int(work.batch)
    whole, rest = divmod(len(work.labels), batch)
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


def products(work: Work, batch: int, runs: int, device: str) -> Callable[[], None]:
    """The products of one update, forward xW and backward xᵀδ and δWᵀ of every layer (no δWᵀ of the first), out in place."""
    multiply, lead = (torch.mm, ()) if runs == 1 else (torch.bmm, (runs,))
    widths = work.widths

    dtype = torch.bfloat16 if work.precision == "bf16" else torch.float32
    torch.backends.cuda.matmul.allow_tf32 = work.precision == "tf32"

    def new(*shape: int) -> Tensor:
        return torch.rand(*lead, *shape, device=device, dtype=dtype)

    x = [new(batch, width) for width in widths]

    pairs = list(zip(widths, widths[1:], strict=False))
    w, g, y = [new(*pair) for pair in pairs], [new(*pair) for pair in pairs], [torch.empty_like(z) for z in x]

    def update() -> None:
        for i, weight in enumerate(w):
            multiply(x[i], weight, out=y[i + 1])
        for i, weight in reversed(list(enumerate(w))):
            multiply(x[i].mT, x[i + 1], out=g[i])
            if i:
                multiply(x[i + 1], weight.mT, out=y[i])

    return update
