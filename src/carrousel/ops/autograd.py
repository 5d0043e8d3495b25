"""One recurrent layer for autograd: the kernels, the tape, and double backward by the reference."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor

from carrousel.ops import cpu, reference
from carrousel.ops.tape import Run, tape

_GATES = {
    "LSTM": ("input", "forget", "candidate", "output"),
    "GRU": ("reset", "update", "candidate"),
}


class Layer(torch.autograd.Function):
    """``apply(mode, x, offsets, h0, c0, *weights)`` -> y, h_n, c_n."""

    @staticmethod
    def forward(ctx: Any, mode, x, offsets, h0, c0, *weights):
        out = cpu.forward(mode, x, offsets, h0, c0, list(weights), record=True)
        # Weakly: what is recorded lives as long as somebody reads it, not as long as the graph.
        ctx.runs = [weakref.ref(run) for run in record_runs(mode, x, offsets, h0, c0, out)]
        save(ctx, mode, x, offsets, h0, c0, weights, out)
        return out[:3]

    @staticmethod
    def backward(ctx: Any, *grads):
        need_weights = any(ctx.needs_input_grad[5:])
        dx, dh0, dc0, dweights = gradients(ctx, grads, ctx.needs_input_grad[1], need_weights)
        return None, dx, None, dh0, dc0, *(dweights or [None] * len(ctx.needs_input_grad[5:]))


def save(ctx: Any, mode, x, offsets, h0, c0, weights, out) -> None:
    """Keep for backward what forward took and left."""
    y, _, _, saved, cells = out
    ctx.mode = mode
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(x, offsets, h0, c0, y, saved, cells, *weights)


def gradients(ctx: Any, grads, need_x: bool, need_weights: bool):
    """dL/dx, dL/dh0, dL/dc0 and [dL/dweight, ...], by the kernels or, as a graph, the reference."""
    x, offsets, h0, c0, y, saved, cells, *weights = ctx.saved_tensors
    if torch.is_grad_enabled():  # create_graph: a derivative of this derivative may be asked for
        return differentiable(ctx.mode, x, offsets, h0, c0, weights, grads)
    return cpu.backward(
        ctx.mode, x, offsets, h0, c0, weights, (y, saved, cells), grads, need_x, need_weights,
        [run() for run in ctx.runs],
    )  # fmt: skip


def differentiable(mode, x, offsets, h0, c0, weights, grads):
    """The gradients as functions of everything, so that they can be derived again."""
    inputs = [t for t in (x, h0, c0, *weights) if t is not None]
    inputs = [t if t.requires_grad else t.detach().requires_grad_() for t in inputs]
    x, h0, *rest = inputs
    c0 = rest.pop(0) if c0 is not None else None
    y, h_n, c_n = reference.layer(
        cpu.MODES[mode], x.reshape(-1, x.size(-1)), batch_sizes(x, offsets), h0, c0, rest
    )
    pairs = [(y.view(*x.shape[:-1], -1), grads[0]), (h_n, grads[1]), (c_n, grads[2])]
    given = [(out, grad) for out, grad in pairs if out is not None and grad is not None]
    dx, dh0, *rest = torch.autograd.grad(
        [out for out, _ in given],
        inputs,
        [grad for _, grad in given],
        create_graph=True,
        allow_unused=True,
    )
    return dx, dh0, rest.pop(0) if c0 is not None else None, rest


def batch_sizes(x: Tensor, offsets: Tensor | None) -> list[int]:
    """Rows of each step."""
    return [x.size(1)] * x.size(0) if offsets is None else offsets.diff().tolist()


def record_runs(mode, x, offsets, h0, c0, out) -> list[Run]:
    """Append this layer's runs, one per direction, to the tape if one is on."""
    so_far = tape()
    if so_far is None:
        return []
    name, hidden = cpu.MODES[mode], h0.size(2)
    y, _, _, saved, cells = out
    y = y.detach().view(-1, y.size(-1))
    sizes = torch.full((x.size(0),), x.size(1)) if offsets is None else offsets.diff()
    runs = []
    for d in range(h0.size(0)):
        gates = saved[d].view(-1, 4, hidden).unbind(1) if saved is not None else ()
        runs.append(
            Run(
                kind=name.split("_")[0].lower(),
                reverse=d == 1,
                batch_sizes=sizes,
                hidden=y[:, d * hidden : (d + 1) * hidden],
                cell=None if cells is None else cells[d],
                gates=dict(zip(_GATES.get(name, ()), gates, strict=False)),
                h0=h0[d].detach(),
                c0=None if c0 is None else c0[d].detach(),
            )
        )
    so_far.extend(runs)
    return runs
