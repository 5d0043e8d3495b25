"""Products by the kernels: torch's numbers, and the same bits on any number of threads."""

import pytest
import torch

from carrousel.ops import gate, products

SIZES = [(1, 1, 1), (5, 3, 2), (7, 64, 33), (600, 16, 70), (41, 300, 130), (2, 1, 257)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_linear_map_and_its_derivatives_are_torchs(size, bias):
    rows, inputs, outputs = size
    torch.manual_seed(0)
    x = torch.randn(rows, inputs, dtype=torch.float64, requires_grad=True)
    w = torch.randn(outputs, inputs, dtype=torch.float64, requires_grad=True)
    b = torch.randn(outputs, dtype=torch.float64, requires_grad=True) if bias else None
    given = [t for t in (x, w, b) if t is not None]
    grad = torch.randn(rows, outputs, dtype=torch.float64)
    found = []
    for y in (products.linear(x, w, b, gate.KERNELS), torch.nn.functional.linear(x, w, b)):
        found.append([y, *torch.autograd.grad(y, given, grad)])
    torch.testing.assert_close(*found)


def test_second_derivatives():
    x, w, b = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((3, 2), (4, 2), 4))
    assert torch.autograd.gradgradcheck(
        lambda *given: products.linear(*given, gate.KERNELS).square(), (x, w, b)
    )


@pytest.mark.parametrize("heads", [1, 3])
def test_products_of_heads(heads):
    a, b = torch.randn(50, 4 * 21, dtype=torch.float64), torch.randn(50, 21, dtype=torch.float64)
    wanted = torch.einsum("ngku,nkv->gkuv", a.view(50, 4, heads, -1), b.view(50, heads, -1))
    torch.testing.assert_close(products.products_by_heads(a, b, heads), wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(600, 16, 70), (90, 300, 130), (3000, 5, 64)], ids=str)
def test_threads_change_no_bit(size, dtype):
    rows, inputs, outputs = size
    x, w = torch.randn(rows, inputs, dtype=dtype), torch.randn(outputs, inputs, dtype=dtype)
    grad, found, before = torch.randn(rows, outputs, dtype=dtype), [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            y = products.product(x, w.T)
            found.append([y, products.product(grad.T, x), products.column_sums(grad)])
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))
