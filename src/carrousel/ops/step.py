"""One step by the shortest way: of streaming, T = 1 with a state given, and of a cell.

What a step computes takes a microsecond or two; what is done around it decides how fast a stream
runs. So this way into the kernels checks what it must, allocates its outputs and does nothing else.
Whoever calls it has made sure that nothing of torch's looks on, neither mode, transform nor tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import carrousel._core as _core
from carrousel.ops.cpu import GATES, MODES

PLAIN = frozenset({Tensor, torch.nn.Parameter})
NUMBER = {mode: number for number, mode in enumerate(MODES)}
_KERNEL = {torch.float32: _core.forward_f32, torch.float64: _core.forward_f64}


def run(
    module, x: Tensor, h0: Tensor, c0: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None] | None:
    """y, h_n, c_n (None but for the LSTM) of a module in one direction; None: not such a step.

    x (1, B, I), or (B, 1, I) where the module is batch_first; h0, c0 (L, B, H).
    """
    dtype, hidden = x.dtype, module.hidden_size
    kernel = _KERNEL.get(dtype)
    if kernel is None or x.dim() != 3:
        return None
    steps, batch, inputs = given = x.shape
    if module.batch_first:
        steps, batch = batch, steps
    if steps != 1 or not batch or inputs != module.input_size or not fits(x, given, dtype):
        return None
    shape = (module.num_layers, batch, hidden)
    if not fits(h0, shape, dtype) or (c0 is not None and not fits(c0, shape, dtype)):
        return None
    number, threads, sizes = NUMBER[module.mode], torch.get_num_threads(), inputs
    layers = []
    for names in module._all_weights:
        weights = addresses(module._parameters, names, GATES[number], sizes, hidden, dtype)
        if weights is None:
            return None
        layers.append(weights)
        sizes = hidden
    h_n, c_n, c, c_next = torch.empty_like(h0), None, 0, 0
    if c0 is not None:
        c_n = torch.empty_like(c0)
        c, c_next = c0.data_ptr(), c_n.data_ptr()
    y = torch.empty_like(h_n) if shape[0] == 1 else x.new_empty((1, batch, hidden))
    h, h_next, part = h0.data_ptr(), h_n.data_ptr(), batch * hidden * x.element_size()
    rows, rows_y = (x.data_ptr(), 0, inputs), (y.data_ptr(), 0, hidden)
    for weights in layers:
        kernel(
            threads, (number, 1, batch, 0, batch, inputs, hidden, False), (*weights, h, c), rows,
            rows_y, (0, 0, h_next, c_next),
        )  # fmt: skip
        rows, inputs = (h_next, 0, hidden), hidden  # what the layer above reads
        h, h_next = h + part, h_next + part
        if c:
            c, c_next = c + part, c_next + part
    return y.transpose(0, 1) if module.batch_first else y, h_n, c_n


def cell(
    mode: int, x: Tensor, h0: Tensor, c0: Tensor | None, weights: Sequence[int]
) -> tuple[Tensor, Tensor | None]:
    """h, c (None but for the LSTM), both (B, H), of tensors that fit: x (B, I), h0, c0 (B, H)."""
    (batch, inputs), hidden = x.shape, h0.size(1)
    y, c_n, c, c_next = torch.empty_like(h0), None, 0, 0
    if c0 is not None:
        c_n = torch.empty_like(c0)
        c, c_next = c0.data_ptr(), c_n.data_ptr()
    _KERNEL[x.dtype](
        torch.get_num_threads(), (mode, 1, batch, 0, batch, inputs, hidden, False),
        (*weights, h0.data_ptr(), c), (x.data_ptr(), 0, inputs), (y.data_ptr(), 0, hidden),
        (0, 0, 0, c_next),
    )  # fmt: skip
    return y, c_n


def fits(given: Tensor, shape: Sequence[int], dtype: torch.dtype) -> bool:
    """Whether the memory of a tensor holds its values in order, and its shape and dtype are right.

    A subclass may hold none, a negated view holds others, and a zero tensor has no address.
    """
    return (
        type(given) in PLAIN
        and given.dtype is dtype
        and given.shape == shape
        and given.is_cpu
        and given.is_contiguous()
        and not given.is_neg()
        and given.data_ptr() != 0
    )


def addresses(
    parameters: dict, names: Sequence[str], gates: int, inputs: int, hidden: int, dtype: torch.dtype
) -> list[int] | None:
    """Where the weights of one layer or cell lie, 0 for biases that are not; None: not as said."""
    rows = gates * hidden
    shapes, found = ((rows, inputs), (rows, hidden), (rows,), (rows,)), [0, 0, 0, 0]
    for i, name in enumerate(names):
        weight: Any = parameters.get(name)  # None: parametrized, say
        if (
            type(weight) not in PLAIN
            or weight.dtype is not dtype
            or weight.shape != shapes[i]
            or not weight.is_cpu
            or not weight.is_contiguous()
            or weight.is_neg()
        ):
            return None
        address = weight.data_ptr()
        if not address:
            return None
        found[i] = address
    return found
