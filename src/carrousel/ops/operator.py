"""The layer as a torch operator, ``carrousel::layer``, for ``torch.compile`` and ``torch.export``.

An operator returns tensors only: what a cell does not have is an empty one.
"""

from __future__ import annotations

import torch

from carrousel.ops import cpu
from carrousel.ops.autograd import differentiable, save

_LIBRARY = torch.library.Library("carrousel", "DEF")
_LIBRARY.define(
    "layer(int mode, Tensor x, Tensor? offsets, Tensor h0, Tensor? c0, Tensor[] weights, "
    "bool record) -> (Tensor y, Tensor h_n, Tensor c_n, Tensor saved, Tensor cells)"
)
_LIBRARY.define(
    "layer_backward(int mode, Tensor x, Tensor? offsets, Tensor h0, Tensor? c0, Tensor[] weights, "
    "Tensor y, Tensor saved, Tensor cells, Tensor? dy, Tensor? dh_n, Tensor? dc_n, "
    "bool need_x, bool need_weights) -> (Tensor dx, Tensor dh0, Tensor dc0, Tensor[] dweights)"
)


def _layer(mode, x, offsets, h0, c0, weights, record):
    out = cpu.forward(mode, x, offsets, h0, c0, weights, record)
    return tuple(x.new_empty(0) if t is None else t for t in out)


def _layer_fake(mode, x, offsets, h0, c0, weights, record):
    directions, _, hidden = h0.shape
    y = x.new_empty(*x.shape[:-1], directions * hidden)
    n = y.numel() // (directions * hidden)
    keep = record and cpu.SAVED[mode] > 0
    shapes = (
        h0.shape,
        h0.shape if c0 is not None else (0,),
        (directions, n, cpu.SAVED[mode] * hidden) if keep else (0,),
        (directions, n, hidden) if record and c0 is not None else (0,),
    )
    return y, *(x.new_empty(shape) for shape in shapes)


def _layer_backward(
    mode, x, offsets, h0, c0, weights, y, saved, cells, dy, dh_n, dc_n, need_x, need_weights
):
    record = (y, *(t if t.numel() else None for t in (saved, cells)))
    dx, dh0, dc0, dweights = cpu.backward(
        mode, x, offsets, h0, c0, weights, record, (dy, dh_n, dc_n), need_x, need_weights, []
    )
    return _or_empty(dx, x), dh0, _or_empty(dc0, x), dweights


def _or_empty(tensor, like):
    return like.new_empty(0) if tensor is None else tensor


def _layer_backward_fake(
    mode, x, offsets, h0, c0, weights, y, saved, cells, dy, dh_n, dc_n, need_x, need_weights
):
    dx = torch.empty_like(x) if need_x else x.new_empty(0)
    dc0 = torch.empty_like(h0) if c0 is not None else x.new_empty(0)
    dweights = [torch.empty_like(w) for w in weights] if need_weights else []
    return dx, torch.empty_like(h0), dc0, dweights


def _setup_context(ctx, inputs, output):
    mode, x, offsets, h0, c0, weights, _ = inputs
    save(ctx, mode, x, offsets, h0, c0, weights, output)


def _backward(ctx, dy, dh_n, dc_n, d_saved, d_cells):
    x, offsets, h0, c0, y, saved, cells, *weights = ctx.saved_tensors
    need_x, need_weights = ctx.needs_input_grad[1], any(ctx.needs_input_grad[5])
    grads = (dy, dh_n, None if c0 is None else dc_n)
    if torch.is_grad_enabled():
        dx, dh0, dc0, dweights = differentiable(ctx.mode, x, offsets, h0, c0, weights, grads)
    else:
        dx, dh0, dc0, dweights = torch.ops.carrousel.layer_backward(
            ctx.mode, x, offsets, h0, c0, weights, y, saved, cells, *grads, need_x, need_weights
        )
    return (
        None,
        dx if need_x else None,
        None,
        dh0,
        None if c0 is None else dc0,
        list(dweights) if need_weights else [None] * len(weights),
        None,
    )


_LIBRARY.impl("layer", _layer, "CPU")
_LIBRARY.impl("layer_backward", _layer_backward, "CPU")
torch.library.register_fake("carrousel::layer", _layer_fake, lib=_LIBRARY)
torch.library.register_fake("carrousel::layer_backward", _layer_backward_fake, lib=_LIBRARY)
torch.library.register_autograd(
    "carrousel::layer", _backward, setup_context=_setup_context, lib=_LIBRARY
)
