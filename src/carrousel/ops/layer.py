"""One recurrent layer, as :mod:`carrousel.nn` calls it.

Eager code goes through an ``autograd.Function`` (some microseconds), compiled and exported code
through the operator ``carrousel::layer``, without gradient straight to the kernels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from carrousel.ops import cpu, operator  # noqa: F401  (operator: registers carrousel::layer)
from carrousel.ops.autograd import Layer, record_runs
from carrousel.ops.tape import tape


def run(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
) -> tuple[Tensor, Tensor, Tensor | None]:
    """One layer, one direction or both; shapes as in :func:`carrousel.ops.cpu.forward`.

    mode: RNN_TANH, RNN_RELU, LSTM or GRU -> y, h_n, c_n (None but for the LSTM)
    """
    number = cpu.MODES.index(mode)
    grad = torch.is_grad_enabled() and (
        x.requires_grad
        or h0.requires_grad
        or (c0 is not None and c0.requires_grad)
        or any([w.requires_grad for w in weights])
    )
    if torch.compiler.is_compiling():
        out = torch.ops.carrousel.layer(number, x, offsets, h0, c0, weights, grad)
        return out[0], out[1], out[2] if c0 is not None else None
    if grad:
        return Layer.apply(number, x, offsets, h0, c0, *weights)
    watched = tape() is not None
    out = cpu.forward(number, x, offsets, h0, c0, weights, watched)
    if watched:
        record_runs(number, x, offsets, h0, c0, out)
    return out[:3]
