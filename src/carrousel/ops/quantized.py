"""Layers with weights of 8 bits: what rounds them, and the calls into their kernels.

A weight is q * scale with q = -127 .. 127, one scale for each row; inputs and hidden states are
rounded in the same way as they come, one scale for each sequence at each step, so that every
product is one of integers. Gates and states are float32. Shapes as in :mod:`carrousel.ops.cpu`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import _core
from . import checks
from .cells import NUMBER
from .cpu import GATES, HAS_CELL, _dense_rows, _rows

LARGEST = 127  # of q: symmetric, so that no zero has to be carried along


def rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(R, K) -> q (R, K) int8 and scale (R) float32, with weight ~ q * scale and no q beyond 127.

    >>> q, scale = rounded(torch.tensor([[0.5, -1.0], [0.0, 0.0]]))
    >>> q.tolist(), scale.tolist()
    ([[64, -127], [0, 0]], [0.007874015718698502, 0.0])
    """
    weight = weight.detach().double()
    scale = (weight.abs().amax(1) / LARGEST).float()
    steps = torch.where(scale > 0, scale, 1).double().unsqueeze(1)
    return (weight / steps).round().clamp(-LARGEST, LARGEST).to(torch.int8), scale


def pack(
    mode: str,
    weights: Sequence[Tensor],
    scales: Sequence[Tensor],
    biases: Sequence[Tensor] | None,
) -> Tensor:
    """One direction's weights (w_ih, w_hh), their scales and biases as the kernels read them.

    They are good for the instruction set of this process alone.
    """
    number = NUMBER[mode]
    w_ih, w_hh = weights
    inputs, hidden = w_ih.size(1), w_hh.size(1)
    rows = GATES[number] * hidden
    checks.tensor("w_ih", w_ih, (rows, inputs), torch.int8)
    checks.tensor("w_hh", w_hh, (rows, hidden), torch.int8)
    vectors = [*scales, *(biases or ())]
    names = ("scale_ih", "scale_hh", "b_ih", "b_hh")
    for name, vector in zip(names, vectors, strict=False):
        checks.tensor(name, vector, (rows,), torch.float32)
    kept = [tensor.contiguous() for tensor in (w_ih, w_hh, *vectors)]
    shape = (number, inputs, hidden)
    given = (*[tensor.data_ptr() for tensor in kept], *[0] * (6 - len(kept)))
    packed = torch.empty(_core.pack_quantized(shape, given, 0), dtype=torch.int32)
    _core.pack_quantized(shape, given, packed.data_ptr())
    return packed


def forward(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    packed: Sequence[Tensor],
) -> tuple[Tensor, Tensor, Tensor | None]:
    """One layer. x (T, B, I), or packed (N, I) with offsets (T+1); h0, c0 (D, B, H); ``packed``:
    of each direction -> y (T, B, D*H) or (N, D*H), h_n, c_n (D, B, H) or None.
    """
    number, inputs = NUMBER[mode], x.size(-1)
    directions, batch, hidden = h0.shape
    lead = x.shape[:-1]
    _check(number, x, offsets, h0, c0, packed)
    x, h0, y = _dense_rows(x), h0.contiguous(), x.new_empty(*lead, directions * hidden)
    h_n, c_n, c = torch.empty_like(h0), None, 0
    if c0 is not None:
        c0 = c0.contiguous()
        c_n, c = torch.empty_like(h0), c0.data_ptr()
    part = batch * hidden * h0.element_size()
    steps = x.size(0) if offsets is None else offsets.numel() - 1
    where = 0 if offsets is None else offsets.data_ptr()
    size = (number, steps, batch, where, lead.numel(), inputs, hidden)
    rows, h, h_after = _rows(x), h0.data_ptr(), h_n.data_ptr()
    for d in range(directions):
        _core.forward_quantized(
            torch.get_num_threads(),
            (*size, d == 1),
            (packed[d].data_ptr(), h + d * part, c and c + d * part),
            rows,
            _rows(y, d * hidden),
            (h_after + d * part, 0 if c_n is None else c_n.data_ptr() + d * part),
        )
    return y, h_n, c_n


def step(
    mode: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    packed: Sequence[Tensor],
    sizes: tuple[int, int],
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor | None] | None:
    """One step of layers one on the other, in one call into C++; None: not such a step.

    x (1, B, I), or (B, 1, I) with ``batch_first``; h0, c0 (L, B, H); ``packed``: of each layer;
    ``sizes``: I and H -> y of the last in the order of x, h_n, c_n (L, B, H) or None.
    """
    found = _core.quantized_step(
        NUMBER[mode], torch.get_num_threads(), batch_first, x, h0, c0,
        [(one.data_ptr(), one.numel()) for one in packed], *sizes,
    )  # fmt: skip
    if found is None or not batch_first:
        return found
    y, h_n, c_n = found
    return y.transpose(0, 1), h_n, c_n


def _check(number: int, x: Tensor, offsets, h0: Tensor, c0, packed: Sequence[Tensor]) -> None:
    directions, batch, hidden = checks.dims("h0", h0, (3,))
    inputs = x.size(-1)
    if offsets is None:
        steps = checks.dims("x", x, (3,))[0]
        checks.tensor("x", x, (steps, batch, inputs), torch.float32)
    else:
        checks.tensor("x", x, (len(x), inputs), torch.float32)
        checks.tensor("offsets", offsets, (max(offsets.numel(), 2),), torch.int64)
    if HAS_CELL[number] is not (c0 is not None):
        raise ValueError(f"c0 must {'' if HAS_CELL[number] else 'not '}be given for this mode")
    for name, state in (("h0", h0), ("c0", c0)):
        if state is not None:
            checks.tensor(name, state, (directions, batch, hidden), torch.float32)
    if len(packed) != directions:
        raise ValueError(f"packed must be of {directions} directions, got {len(packed)}")
    words = _core.pack_quantized((number, inputs, hidden), (0,) * 6, 0)
    for one in packed:
        checks.tensor("packed", one, (words,), torch.int32)
