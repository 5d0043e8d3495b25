"""One step of streaming: T = 1, a state given, no gradient, nothing looking on.

What a step computes takes a microsecond or two; what is done around it decides how fast a stream
runs. So this way into the kernels checks what it must, allocates its outputs and does nothing else.
"""

from __future__ import annotations

import torch
from torch import Tensor

import carrousel._core as _core
from carrousel.ops.cpu import MODES

_NUMBER = {mode: number for number, mode in enumerate(MODES)}
_KERNEL = {torch.float32: _core.forward_f32, torch.float64: _core.forward_f64}


def run(
    module, x: Tensor, h0: Tensor, c0: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None] | None:
    """y, h_n, c_n (None but for the LSTM) of a module in one direction; None: not such a step.

    x (1, B, I), or (B, 1, I) where the module is batch_first; h0, c0 (L, B, H).
    """
    dtype, hidden = x.dtype, module.hidden_size
    kernel = _KERNEL.get(dtype)
    if kernel is None or x.dim() != 3 or not (x.is_cpu and x.is_contiguous()):
        return None
    steps, batch, inputs = x.shape
    if module.batch_first:
        steps, batch = batch, steps
    if steps != 1 or not batch or inputs != module.input_size:
        return None
    shape = (module.num_layers, batch, hidden)
    if not _fits(h0, shape, dtype) or (c0 is not None and not _fits(c0, shape, dtype)):
        return None
    h_n, c_n, c, c_next = torch.empty_like(h0), None, 0, 0
    if c0 is not None:
        c_n = torch.empty_like(c0)
        c, c_next = c0.data_ptr(), c_n.data_ptr()
    y = torch.empty_like(h_n) if shape[0] == 1 else x.new_empty((1, batch, hidden))
    h, h_next, part = h0.data_ptr(), h_n.data_ptr(), batch * hidden * x.element_size()
    mode, threads, parameters = _NUMBER[module.mode], torch.get_num_threads(), module._parameters
    rows, rows_y = (x.data_ptr(), 0, inputs), (y.data_ptr(), 0, hidden)
    for names in module._all_weights:
        first = parameters.get(names[0])  # None: parametrised, say
        if first is None or first.dtype is not dtype or not first.is_cpu:
            return None
        weights = [0, 0, 0, 0]
        for i, name in enumerate(names):
            weight = parameters.get(name)
            if weight is None or not weight.is_contiguous():
                return None
            weights[i] = weight.data_ptr()
        kernel(
            threads, (mode, 1, batch, 0, inputs, hidden, False), (*weights, h, c), rows, rows_y,
            (0, 0, h_next, c_next),
        )  # fmt: skip
        rows, inputs = (h_next, 0, hidden), hidden  # what the layer above reads
        h, h_next = h + part, h_next + part
        if c:
            c, c_next = c + part, c_next + part
    return y.transpose(0, 1) if module.batch_first else y, h_n, c_n


def _fits(state: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> bool:
    return state.shape == shape and state.dtype is dtype and state.is_cpu and state.is_contiguous()
