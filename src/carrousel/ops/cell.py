"""One step of a cell for autograd: what :mod:`carrousel.ops.autograd` does, without its detours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import carrousel._core as _core
from carrousel.ops import gate, step
from carrousel.ops.autograd import differentiable
from carrousel.ops.cpu import GATES, SAVED
from carrousel.ops.step import fits

_KERNELS = {
    torch.float32: (_core.forward_f32, _core.backward_f32),
    torch.float64: (_core.forward_f64, _core.backward_f64),
}


class Cell(torch.autograd.Function):
    """``apply(mode, addresses, x, h0, c0, *weights)`` -> h, c (None but for the LSTM).

    x (B, I), h0 and c0 (B, H), as :func:`carrousel.ops.step.fits` wants them; ``addresses`` are
    those of the weights.
    """

    @staticmethod
    def forward(ctx: Any, mode, addresses, x, h0, c0, *weights):
        (batch, inputs), hidden = x.shape, h0.size(1)
        y, c_n, saved, places = torch.empty_like(h0), None, None, [0, 0, 0, 0]
        c, cells = 0, None
        if c0 is not None:
            c_n, cells = torch.empty_like(c0), torch.empty_like(c0)
            c, places[1], places[3] = c0.data_ptr(), cells.data_ptr(), c_n.data_ptr()
        if SAVED[mode]:
            saved = x.new_empty(batch, SAVED[mode] * hidden)
            places[0] = saved.data_ptr()
        _KERNELS[x.dtype][0](
            torch.get_num_threads(), (mode, 1, batch, 0, batch, inputs, hidden, False),
            (*addresses, h0.data_ptr(), c), (x.data_ptr(), 0, inputs), (y.data_ptr(), 0, hidden),
            tuple(places),
        )  # fmt: skip
        ctx.mode = mode
        ctx.set_materialize_grads(False)
        # The RNN's derivative needs its output; what others return is the caller's to write over.
        ctx.save_for_backward(x, h0, c0, y if saved is None else None, saved, cells, *weights)
        return y, c_n

    @staticmethod
    def backward(ctx: Any, dy, dc):
        x, h0, c0, y, saved, cells, *weights = ctx.saved_tensors
        need_weights = any(ctx.needs_input_grad[5:])
        if dy is None and dc is None:
            return (None,) * (5 + len(weights))
        graph, found = torch.is_grad_enabled(), None
        if not graph and gate.quiet():
            given = (x, h0, c0, y, saved, cells, dy, dc, weights)
            found = _kernel(ctx.mode, *given, ctx.needs_input_grad[2], need_weights)
        if found is None:
            found = _equations(ctx.mode, x, h0, c0, weights, dy, dc, graph)
        dx, dh0, dc0, dweights = found
        return None, None, dx, dh0, dc0, *(dweights or [None] * len(weights))


def _kernel(mode, x, h0, c0, y, saved, cells, dy, dc, weights, need_x, need_weights):
    """Gradients by the kernels; None where a tensor is not what they can read."""
    (batch, inputs), hidden, dtype = x.shape, h0.size(1), h0.dtype
    if not fits(x, (batch, inputs), dtype) or not fits(h0, (batch, hidden), dtype):
        return None
    shapes = [(batch, hidden)] * 4 + [(batch, SAVED[mode] * hidden)]
    for t, shape in zip((c0, y, cells, None, saved), shapes, strict=True):
        if t is not None and not fits(t, shape, dtype):
            return None
    rows = GATES[mode] * hidden
    wanted = ((rows, inputs), (rows, hidden), (rows,), (rows,))
    if not all([fits(w, s, dtype) for w, s in zip(weights, wanted, strict=False)]):
        return None
    dh0, dc0 = _start(h0, dy), None if c0 is None else _start(c0, dc)
    if dh0 is None or (c0 is not None and dc0 is None):
        return None
    dx = torch.empty_like(x) if need_x else None
    dweights = [torch.empty_like(w) for w in weights] if need_weights else []
    address = [0 if t is None else t.data_ptr() for t in (dh0, dc0)]
    absent = [0] * (4 - len(weights))
    results = [t.data_ptr() for t in dweights] + absent if dweights else [0] * 4
    places = [w.data_ptr() for w in weights] + absent
    # y is read by the RNN alone; elsewhere some address must stand for it.
    rows_y = ((h0 if y is None else y).data_ptr(), 0, hidden)
    _KERNELS[dtype][1](
        torch.get_num_threads(), (mode, 1, batch, 0, batch, inputs, hidden, False),
        (*places, h0.data_ptr(), 0 if c0 is None else c0.data_ptr()),
        (x.data_ptr(), 0, inputs), rows_y, (0, 0, 0),
        (0 if dx is None else dx.data_ptr(), 0, inputs), False,
        (0 if saved is None else saved.data_ptr(), 0 if cells is None else cells.data_ptr()),
        (*address, *results, 0, 0),
    )  # fmt: skip
    return dx, dh0, dc0, dweights


def _start(state: Tensor, grad: Tensor | None) -> Tensor | None:
    """A new tensor that holds dL/dh_n, or zeros, which the kernels turn into dL/dh_0 in place."""
    if grad is None:
        return torch.zeros_like(state)
    if grad.dtype is not state.dtype or grad.shape != state.shape or not gate.plain([grad]):
        return None
    return torch.empty_like(state).copy_(grad)


def _equations(mode, x, h0, c0, weights, dy, dc, graph):
    """Gradients as functions of everything, so that they can be derived again."""
    one = [None if t is None else t.unsqueeze(0) for t in (x, h0, c0, dy, dc)]
    x, h0, c0, dy, dc = one
    dx, dh0, dc0, dweights = differentiable(
        mode, x, None, h0, c0, weights, (None, dy, dc if c0 is not None else None), graph
    )
    found = [None if t is None else t.squeeze(0) for t in (dx, dh0, dc0)]
    return *found, dweights


def run(
    mode: str, module, names: Sequence[str], x: Tensor, h0: Tensor | None, c0: Tensor | None
) -> tuple[Tensor, Tensor | None] | None:
    """h, c (None but for the LSTM) after one step; None: not a step for this way.

    x (B, I); h0, c0 (B, H), or None: zeros. ``names``: of the module's weights, in the usual order.
    """
    number, dtype = step.NUMBER.get(mode), x.dtype
    inputs, hidden, parameters = module.input_size, module.hidden_size, module._parameters
    if number is None or dtype not in _KERNELS or x.dim() != 2 or not x.size(0):
        return None
    batch = x.size(0)
    shape = (batch, hidden)
    h0 = x.new_zeros(shape) if h0 is None else h0
    if mode == "LSTM":
        c0 = x.new_zeros(shape) if c0 is None else c0
        if not fits(c0, shape, dtype):
            return None
    places = step.addresses(parameters, names, GATES[number], inputs, hidden, dtype)
    if places is None or not fits(x, (batch, inputs), dtype):
        return None
    if not fits(h0, shape, dtype):
        return None
    if torch.is_grad_enabled():
        weights = [parameters[name] for name in names]
        given = (x, h0, *weights) if c0 is None else (x, h0, c0, *weights)
        if any([t.requires_grad for t in given]):
            return Cell.apply(number, places, x, h0, c0, *weights)
    return step.cell(number, x, h0, c0, places)
