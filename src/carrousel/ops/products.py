"""Products over all steps at once, by csrc/products.inl.h: the same to the last bit on any number
of threads, which those of a library need not be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import _core
from . import cpu, gate


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, way: str) -> Tensor:
    """x (N, K), weight (M, K), bias (M) or None -> x @ weight.T + bias; ``way`` as of a layer."""
    if way is not gate.KERNELS:
        return torch.nn.functional.linear(x, weight, bias)
    if torch.is_grad_enabled() and any(
        [t is not None and t.requires_grad for t in (x, weight, bias)]
    ):
        return Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return product(x, weight.T.contiguous(), bias)


class Linear(torch.autograd.Function):
    """``apply(x, weight, bias)`` -> x @ weight.T + bias."""

    @staticmethod
    def forward(ctx: Any, x, weight, bias):
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return product(x, weight.T.contiguous(), bias)

    @staticmethod
    def backward(ctx: Any, grad):
        x, weight = ctx.saved_tensors
        need_x, need_weight, need_bias = ctx.needs_input_grad
        need_bias = need_bias and ctx.has_bias
        if torch.is_grad_enabled() or not gate.plain([grad, x, weight]) or not gate.quiet():
            return grad @ weight, grad.T @ x, grad.sum(0) if need_bias else None
        grad = cpu.resolved(grad)
        return (
            product(grad, weight) if need_x else None,
            product(grad.T, x) if need_weight else None,
            column_sums(grad) if need_bias else None,
        )


def product(a: Tensor, b: Tensor, start: Tensor | None = None) -> Tensor:
    """a (R, K) @ b (K, C) + start (C)."""
    b = b if b.stride(1) == 1 else b.contiguous()
    start = None if start is None else start.contiguous()
    out = cpu.fresh(a, a.size(0), b.size(1))
    sizes = (1, *out.shape, a.size(1), 0, a.stride(0), a.stride(1), 1, 0, b.stride(0), 0)
    _run(sizes, a, b, start, out)
    return out


def products_by_heads(a: Tensor, b: Tensor, heads: int) -> Tensor:
    """a (N, G*H), b (N, H), of ``heads`` heads of D units -> (G, heads, D, D), over the N rows:
    out[g, k, u, v] = sum of a[:, g, k, u] * b[:, k, v]."""
    size = b.size(1) // heads
    blocks = a.size(1) // size
    out = a.new_empty(blocks // heads, heads, size, size)
    of_a = (size, a.stride(1), a.stride(0))
    of_b = (heads, size, b.stride(0))
    _run((blocks, size, size, len(a), *of_a, *of_b, size * size), a, b, None, out)
    return out


def column_sums(rows: Tensor) -> Tensor:
    """The sum of (N, C) over its rows."""
    rows = rows if rows.stride(1) == 1 else rows.contiguous()
    out = rows.new_empty(rows.size(1))
    run = _core.column_sums_f32 if rows.dtype is torch.float32 else _core.column_sums_f64
    run(torch.get_num_threads(), *rows.shape, rows.stride(0), rows.data_ptr(), out.data_ptr())
    return out


def _run(sizes: tuple[int, ...], a: Tensor, b: Tensor, start: Tensor | None, out: Tensor) -> None:
    places = (a.data_ptr(), b.data_ptr(), 0 if start is None else start.data_ptr(), out.data_ptr())
    run = _core.product_f32 if a.dtype is torch.float32 else _core.product_f64
    run(torch.get_num_threads(), sizes, places)
