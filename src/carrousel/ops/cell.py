"""One step of a cell for autograd: what :mod:`carrousel.ops.autograd` does, without its detours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .. import _core
from . import gate
from .autograd import differentiable


class Cell(torch.autograd.Function):
    """``apply(mode, made, x, h0, c0, *weights)`` -> h, c (None but for the LSTM).

    x (B, I), h0 and c0 (B, H); ``made``: what ``_core.cell_step`` made of them.
    """

    @staticmethod
    def forward(ctx: Any, mode, made, x, h0, c0, *weights):
        y, c_n, saved, cells = made
        ctx.mode = mode
        ctx.set_materialize_grads(False)
        # The RNN's derivative needs its output; what others return is the caller's to write over.
        ctx.save_for_backward(x, h0, c0, y if saved is None else None, saved, cells, *weights)
        return y, c_n

    @staticmethod
    def backward(ctx: Any, dy, dc):
        x, h0, c0, y, saved, cells, *weights = ctx.saved_tensors
        _, _, need_x, _, _, *need_weights = ctx.needs_input_grad
        if dy is None and dc is None:
            return (None,) * (5 + len(weights))
        graph, found = torch.is_grad_enabled(), None
        if not graph and gate.quiet():
            found = _core.cell_gradients(
                ctx.mode, torch.get_num_threads(), x, h0, c0, y, saved, cells, dy, dc, weights,
                need_x, True in need_weights,
            )  # fmt: skip
        if found is None:
            found = _equations(ctx.mode, x, h0, c0, weights, dy, dc, graph)
        dx, dh0, dc0, dweights = found
        return None, None, dx, dh0, dc0, *(dweights or [None] * len(weights))


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
    number: int, module, names: Sequence[str], x: Tensor, h0: Tensor, c0: Tensor | None
) -> tuple[Tensor, Tensor | None] | None:
    """h, c (None but for the LSTM) after one step; None: not a step for this way.

    x (B, I); h0, c0 (B, H). ``number``: of the mode, in ``MODES``; ``names``: of the module's
    weights, in the usual order.
    """
    parameters = module._parameters
    weights = [parameters.get(name) for name in names]
    graph = torch.is_grad_enabled() and (
        x.requires_grad
        or h0.requires_grad
        or (c0 is not None and c0.requires_grad)
        or any([w is not None and w.requires_grad for w in weights])
    )
    made = _core.cell_step(
        number, torch.get_num_threads(), x, h0, c0, weights, module.input_size,
        module.hidden_size, graph,
    )  # fmt: skip
    if made is None or not graph:
        return made and made[:2]
    return Cell.apply(number, made, x, h0, c0, *weights)
