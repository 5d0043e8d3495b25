"""What a tensor must be before its address goes down to the kernels, and the error where it is not.

Nothing that is passed to :mod:`carrousel.ops` may make native code read or write where it should
not; the sizes and positions that tensors hold are looked at behind this, in ``csrc/checks.h``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from .. import _core

FLOATS = (torch.float32, torch.float64)


def floating(name: str, tensor: Tensor) -> torch.dtype:
    """The dtype of what decides it: float32 or float64."""
    dtype = tensor.dtype if isinstance(tensor, Tensor) else None
    if dtype not in FLOATS:
        raise TypeError(f"{name} must be a float32 or float64 tensor, got {_words(tensor)}")
    return dtype


def tensor(name: str, given: Tensor, shape: Sequence[int], dtype: torch.dtype) -> None:
    """Raise unless ``given`` is a tensor in the CPU's memory of this shape and dtype."""
    if (
        isinstance(given, Tensor)
        and given.dtype is dtype
        and given.shape == shape
        and given.is_cpu
        and given.layout is torch.strided
        and not given.is_neg()
        and (given.data_ptr() or not given.numel())
    ):
        return
    kind = str(dtype).removeprefix("torch.")
    if isinstance(given, Tensor) and given.shape != torch.Size(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(given.shape)}")
    raise TypeError(f"{name} must be a plain {kind} tensor on the CPU, got {_words(given)}")


def dims(name: str, given: Tensor, counts: Iterable[int]) -> torch.Size:
    """The shape of a tensor that has one of these numbers of dimensions."""
    counts = tuple(counts)
    if not isinstance(given, Tensor) or given.dim() not in counts:
        words = " or ".join(map(str, counts))
        raise ValueError(f"{name} must be a tensor of {words} dimensions, got {_words(given)}")
    return given.shape


def layer(
    gates: int,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: Sequence[Tensor],
    has_cell: bool,
) -> torch.dtype:
    """The arguments of one layer, see :func:`carrousel.ops.cpu.forward`; returns their dtype."""
    if _core.is_layer(gates, has_cell, x, offsets, h0, c0, list(weights)):
        return x.dtype
    directions, batch, hidden = dims("h0", h0, (3,))
    dtype, inputs, rows = floating("x", x), x.size(-1), gates * hidden
    if offsets is None:
        steps, found, _ = dims("x", x, (3,))
        tensor("x", x, (steps, batch, inputs), dtype)
    else:
        found, _ = dims("x", x, (2,))
        tensor("x", x, (found, inputs), dtype)
        tensor("offsets", offsets, (max(offsets.numel(), 2),), torch.int64)
    tensor("h0", h0, (directions, batch, hidden), dtype)
    if has_cell is not (c0 is not None):
        raise ValueError(f"c0 must {'' if has_cell else 'not '}be given for this mode")
    if c0 is not None:
        tensor("c0", c0, (directions, batch, hidden), dtype)
    if directions not in (1, 2) or len(weights) not in (2 * directions, 4 * directions):
        raise ValueError(
            f"weights must be 2 or 4 tensors for each of 1 or 2 directions, got {len(weights)} "
            f"for {directions}"
        )
    shapes = ((rows, inputs), (rows, hidden), (rows,), (rows,))
    per = len(weights) // directions
    for i, weight in enumerate(weights):
        tensor(f"weights[{i}]", weight, shapes[i % per], dtype)
    return dtype


def _words(given: object) -> str:
    if not isinstance(given, Tensor):
        return type(given).__name__
    kind = str(given.dtype).removeprefix("torch.")
    return f"{kind} {tuple(given.shape)} on {given.device}"
