"""The layer as a torch operator, ``carrousel::layer``, for ``torch.compile`` and ``torch.export``.

An operator returns tensors only: what a cell does not have is an empty one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch._library.autograd import Info, make_autograd_impl

from . import cpu, gate, reference
from .autograd import batch_sizes, differentiable, gradients, save
from .cells import MODES
from .inside import Inside, as_record
from .tape import taped

_LIBRARY = torch.library.Library("carrousel", "DEF")
_LIBRARY.define(
    "layer(int mode, Tensor x, Tensor? offsets, Tensor h0, Tensor? c0, Tensor[] weights, "
    "bool record) -> (Tensor y, Tensor h_n, Tensor c_n, Tensor saved, Tensor cells)"
)
_LIBRARY.define(
    "layer_backward(int mode, Tensor x, Tensor? offsets, Tensor h0, Tensor? c0, Tensor[] weights, "
    "Tensor y, Tensor saved, Tensor cells, Tensor? dy, Tensor? dh_n, Tensor? dc_n, "
    "Tensor? d_saved, Tensor? d_cells, bool need_x, bool need_weights) "
    "-> (Tensor dx, Tensor dh0, Tensor dc0, Tensor[] dweights)"
)


def _check(mode, x, offsets, h0, c0, weights):
    usual, _ = cpu.parted(mode, weights, len(h0))  # the rest is checked where it goes down
    gate.check(cpu.GATES[mode], x, offsets, h0, c0, usual)


def _layer(mode, x, offsets, h0, c0, weights, record):
    _check(mode, x, offsets, h0, c0, weights)
    offsets = None if offsets is None else offsets.contiguous()
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
    mode, x, offsets, h0, c0, weights, y, saved, cells, dy, dh_n, dc_n, d_saved, d_cells,
    need_x, need_weights,
):  # fmt: skip
    _check(mode, x, offsets, h0, c0, weights)
    gate.check_record(cpu.SAVED[mode], x, h0, c0, y, saved, cells)
    record = (y.contiguous(), *(t.contiguous() if t.numel() else None for t in (saved, cells)))
    offsets = None if offsets is None else offsets.contiguous()
    dx, dh0, dc0, dweights = cpu.backward(
        mode,
        x,
        offsets,
        h0,
        c0,
        weights,
        record,
        (dy, dh_n, dc_n),
        need_x,
        need_weights,
        [],
        (d_saved, d_cells),
    )
    # Dense, as the fake kernel says, however x lies in memory.
    dx = x.new_empty(0) if dx is None else dx.contiguous()
    return dx, dh0, x.new_empty(0) if dc0 is None else dc0, dweights


def _layer_backward_fake(
    mode, x, offsets, h0, c0, weights, y, saved, cells, dy, dh_n, dc_n, d_saved, d_cells,
    need_x, need_weights,
):  # fmt: skip
    dx = x.new_empty(x.shape if need_x else 0)
    dc0 = x.new_empty(0 if c0 is None else c0.shape)
    dweights = [w.new_empty(w.shape) for w in weights] if need_weights else []
    return dx, h0.new_empty(h0.shape), dc0, dweights


def _setup_context(ctx, inputs, output):
    mode, x, offsets, h0, c0, weights, _ = inputs
    save(ctx, mode, x, offsets, h0, c0, weights, output, plain=False)


def _backward(ctx, dy, dh_n, dc_n, d_saved, d_cells):
    need_x, wanted = ctx.needs_input_grad[1], ctx.needs_input_grad[5]
    grads, inside = (dy, dh_n, dc_n), (d_saved, d_cells)
    dx, dh0, dc0, dweights = gradients(ctx, grads, need_x, any(wanted), (), inside)
    return None, dx, None, dh0, dc0, list(dweights or [None] * len(wanted)), None


def _derivable(keyset, mode, x, offsets, h0, c0, weights, record):
    """With autograd: under a transform or forward-mode AD the equations, which know them all."""
    tensors = [t for t in (x, h0, c0, *weights) if t is not None]
    if gate.transformed(tensors):
        return _equations(mode, x, offsets, h0, c0, weights, record)
    return _by_kernels(keyset, mode, x, offsets, h0, c0, weights, record)


def _equations(mode, x, offsets, h0, c0, weights, record):
    insides: list[Inside] | None = [] if record else None
    with taped(None):
        sizes = batch_sizes(x, offsets)
        y, h_n, c_n = reference.layer(MODES[mode], x, sizes, h0, c0, weights, insides=insides)
    saved, cells = as_record(MODES[mode], insides) if insides else (None, None)
    return y, h_n, *[x.new_empty(0) if t is None else t for t in (c_n, saved, cells)]


def _backward_derivable(keyset, mode, x, offsets, h0, c0, weights, *rest):
    grads, inside = rest[3:6], rest[6:8]
    tensors = [t for t in (x, h0, c0, *weights, *grads, *inside) if t is not None]
    graph = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    if graph or gate.transformed(tensors):
        found = differentiable(mode, x, offsets, h0, c0, weights, grads, graph, (), inside)
        return *[x.new_empty(0) if t is None else t for t in found[:3]], found[3]
    with torch._C._AutoDispatchBelowAutograd():
        return torch.ops.carrousel.layer_backward.default.redispatch(
            keyset & torch._C._after_autograd_keyset, mode, x, offsets, h0, c0, weights, *rest
        )


def _one_by_one(op):
    """The rule for vmap: each of the batch in its turn."""

    def take(argument, dim, k):
        if isinstance(argument, (list, tuple)):
            return [take(a, d, k) for a, d in zip(argument, dim, strict=True)]
        return argument if dim is None else argument.select(dim, k)

    def stack(parts):
        if isinstance(parts[0], Tensor):
            return torch.stack(parts)
        return [stack(part) for part in zip(*parts, strict=True)]

    def dims(result):
        return 0 if isinstance(result, Tensor) else [dims(part) for part in result]

    def rule(info, in_dims, *args):
        parts = [op(*take(args, in_dims, k)) for k in range(info.batch_size)]
        return tuple(stack(parts)), tuple(dims(parts[0]))

    return rule


_by_kernels = make_autograd_impl(torch.ops.carrousel.layer.default, Info(_backward, _setup_context))
_LIBRARY.impl("layer", _layer, "CPU")
_LIBRARY.impl("layer_backward", _layer_backward, "CPU")
_LIBRARY.impl("layer", _derivable, "Autograd", with_keyset=True)
_LIBRARY.impl("layer_backward", _backward_derivable, "Autograd", with_keyset=True)
for name, fake in (("layer", _layer_fake), ("layer_backward", _layer_backward_fake)):
    torch.library.register_fake(f"carrousel::{name}", fake, lib=_LIBRARY)
    op = getattr(torch.ops.carrousel, name).default
    torch.library.register_vmap(f"carrousel::{name}", _one_by_one(op), lib=_LIBRARY)
