"""The matrix products of a stack, each by the faster of the two libraries that PyTorch brings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

MANY = 1 << 22
"""Multiplications of one run from which oneDNN is worth a call for each run and a copy of what it returns."""

LONGEST = 4096
"""Longer sums are cut: oneDNN would divide them among the threads, and the last bits would depend on how many."""


def multiplication(
    a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None = None, precision: torch.dtype = torch.float32
) -> Callable[[], object]:
    """out = ab, plus a bias [K, 1, p], to be made as often as it is called, of what a [K, n, m] and b [K, m, p] then hold.

    What does not depend on their values is done here, once for many updates: the views alone take as long as a small product.
    The library is chosen by the size of one run's product alone, so that a run has the same bits in every stack.
    """
    if precision is not torch.float32:
        return partial(_rounded, a, b, out, bias, precision)
    if not by_onednn(a, b):
        return partial(torch.bmm, a, b, out=out) if bias is None else partial(torch.baddbmm, bias, a, b, out=out)
    if a.shape[2] > LONGEST:
        return partial(_in_pieces, a, b, out, bias)
    if not _is_dense(b):  # a right factor with gaps would take oneDNN a thousand times longer
        return partial(_without_gaps, a, b, out, bias)
    biases = [None] * len(a) if bias is None else bias.squeeze(1).unbind()
    return partial(_run_by_run, list(zip(out.unbind(), a.unbind(), b.mT.unbind(), biases, strict=True)))


def _rounded(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None, precision: torch.dtype) -> None:
    out.copy_(torch.bmm(a.to(precision), b.to(precision)))
    if bias is not None:
        out.add_(bias)


def _run_by_run(products: list[tuple[Tensor, Tensor, Tensor, Tensor | None]]) -> None:
    assert ONEDNN is not None  # see by_onednn
    for out, left, right, bias in products:
        out.copy_(ONEDNN(left, right, bias, "none", [], ""))


def _without_gaps(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None) -> None:
    multiplication(a, b.contiguous(), out, bias)()


def _in_pieces(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None) -> None:
    first, *others = zip(a.split(LONGEST, 2), b.split(LONGEST, 1), strict=True)
    multiplication(*first, out, bias)()
    for piece in others:
        part = torch.empty_like(out)
        multiplication(*piece, part)()
        out += part


def by_onednn(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN makes these products: large ones in float32, on an x86 processor, see `_onednn`."""
    large = a.shape[1] * a.shape[2] * b.shape[2] >= MANY
    return large and ONEDNN is not None and a.dtype is torch.float32 and a.device.type == "cpu"


def _is_dense(b: Tensor) -> bool:
    """Whether each run's matrix lies in memory without gaps, row by row or column by column."""
    _, m, p = b.shape
    return b.stride()[1:] in ((p, 1), (1, m))


def _onednn() -> Callable[..., Tensor] | None:
    """xWᵀ + b by oneDNN, or None. PyTorch's compiler calls it; there is no public way to it in float32.

    PyTorch's own float32 products are made by MKL, which uses half the width of an AMD processor's vectors. The oneDNN in
    PyTorch 2.6 divides sums of 784 among the threads, those in 2.13 and 2.15 do not; between them it was not tried.
    """
    x86 = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None) if x86 and torch.__version__ >= "2.13" else None


ONEDNN = _onednn()
