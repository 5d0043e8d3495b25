"""Who computes on which device: C++ in the CPU's memory, Triton on a GPU, with one contract."""

from __future__ import annotations

from types import ModuleType

from torch import Tensor

from . import cpu


def of(x: Tensor) -> ModuleType:
    """The module whose ``forward`` and ``backward`` take tensors where ``x`` is."""
    if x.is_cpu:
        return cpu
    from .gpu import layer  # not before it is needed: it imports Triton

    return layer
