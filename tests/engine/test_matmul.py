"""The matrix products of a stack: against float64, and the same bits for any number of runs and threads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.engine import matmul as products
from trainer.engine.matmul import LONGEST, by_onednn, multiplication

SIZES = {  # n, m, p; the number of products by oneDNN is that of the large ones
    "small": (29, 50, 37),
    "just too small": (128, 784, 41),
    "just large enough": (128, 784, 42),
    "usual": (128, 784, 128),
    "its gradient": (128, 128, 784),
    "odd": (131, 785, 97),
    "a few rows": (3, 2048, 1024),
    "a long sum": (256, 5 * LONGEST + 5, 64),
    "as long as is not cut": (65, LONGEST, 20),
}
LAYOUTS = ("rows", "columns", "with gaps")


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def operands(n: int, m: int, p: int, runs: int, layout: str) -> tuple[Tensor, Tensor, Tensor]:
    """a, b and a bias; their matrices lie row by row, column by column, or in rows of something wider."""
    bias = draw(runs, 1, p)
    if layout == "columns":
        return draw(runs, m, n).mT, draw(runs, p, m).mT, bias
    gap = 16 if layout == "with gaps" else 0
    return draw(runs, n, m + gap)[..., :m], draw(runs, m, p + gap)[..., :p], bias


def multiply(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None = None) -> Tensor:
    multiplication(a, b, out, bias)()
    return out


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_a_product_is_that_of_float64(size, layout):
    a, b, bias = operands(*SIZES[size], 2, layout)
    out = torch.full((2, SIZES[size][0], SIZES[size][2]), torch.nan)
    exact = a.double() @ b.double()
    scale = SIZES[size][1] ** 0.5
    assert (multiply(a, b, out) - exact).abs().max() < 1e-5 * scale
    assert (multiply(a, b, out, bias) - exact - bias).abs().max() < 1e-5 * scale


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_a_run_has_the_bits_it_has_alone_with_any_number_of_threads(size, layout):
    n, m, p = SIZES[size]
    a, b, bias = operands(n, m, p, 3, layout)
    single = [multiply(a[k : k + 1], b[k : k + 1], torch.empty(1, n, p), bias[k : k + 1]) for k in range(3)]
    for threads in (1, 2, 3, 8) if n >= 16 else (1,):  # fewer rows train on one thread, see `device.FEW_ROWS`
        torch.set_num_threads(threads)
        assert torch.equal(multiply(a, b, torch.empty(3, n, p), bias), torch.cat(single))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_what_was_prepared_once_multiplies_what_its_factors_hold_now(size, layout):
    n, m, p = SIZES[size]
    a, b, bias = operands(n, m, p, 2, layout)
    again = multiplication(a, b, out := torch.empty(2, n, p), bias)
    for factor in (a, b, bias):
        again()
        factor.mul_(-0.5).add_(1)
    again()
    assert torch.equal(out, multiply(a, b, torch.empty(2, n, p), bias))


def test_large_products_are_made_by_onednn_where_it_is_to_be_had(monkeypatch):
    """And by PyTorch's own operation elsewhere, with the same values to rounding."""
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX") or torch.__version__ < (2, 13):
        pytest.skip("no x86 processor, or a PyTorch whose oneDNN divides sums among threads")
    assert [size for size in SIZES if not by_onednn(*operands(*SIZES[size], 1, "rows")[:2])] == [
        "small",
        "just too small",
    ]
    a, b, bias = operands(*SIZES["usual"], 2, "columns")
    assert not by_onednn(a.double(), b.double())
    by_one = multiply(a, b, torch.empty(2, 128, 128), bias)
    monkeypatch.setattr(products, "ONEDNN", None)
    assert not by_onednn(a, b)
    torch.testing.assert_close(multiply(a, b, torch.empty(2, 128, 128), bias), by_one, rtol=1e-4, atol=1e-4)
