"""The matrix products of a stack, each by the faster of the two libraries that PyTorch brings."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MANY = 1 << 22
"""Multiplications of one run from which oneDNN is worth a call for each run and a copy of what it returns."""

LONGEST = 4096
"""Longer sums are cut: oneDNN would divide them among the threads, and the last bits would depend on how many."""


def multiply(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None = None) -> Tensor:
    """out = ab, plus a bias [K, 1, p]; a [K, n, m], b [K, m, p], out [K, n, p].

    The library is chosen by the size of one run's product alone, so that a run has the same bits in every stack.
    """
    if not by_onednn(a, b):
        return torch.bmm(a, b, out=out) if bias is None else torch.baddbmm(bias, a, b, out=out)
    if a.shape[2] > LONGEST:
        return _in_pieces(a, b, out, bias)
    b = b if _is_dense(b) else b.contiguous()  # a right factor with gaps would take oneDNN a thousand times longer
    assert ONEDNN is not None  # see by_onednn
    biases = [None] * len(a) if bias is None else bias.squeeze(1).unbind()
    for product, left, right, addend in zip(out.unbind(), a.unbind(), b.mT.unbind(), biases, strict=True):
        product.copy_(ONEDNN(left, right, addend, "none", [], ""))
    return out


def _in_pieces(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None) -> Tensor:
    first, *others = zip(a.split(LONGEST, 2), b.split(LONGEST, 1), strict=True)
    multiply(*first, out, bias)
    for piece in others:
        out += multiply(*piece, torch.empty_like(out))
    return out


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
