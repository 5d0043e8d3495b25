"""What a layer gives under autocast: the dtypes of torch's own, which differ from kind to kind."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .cells import BY_MODE

# What oneDNN says where a processor lacks the instructions that its LSTM wants for bfloat16: what
# torch's would give elsewhere is known, and ours runs anywhere.
_UNABLE = "could not create a primitive"


def dtypes(module: Any, input: Any, hx: Any) -> tuple[torch.dtype, ...] | None:
    """Of y and of each state; None where torch's layer must say what is wrong."""
    x = input.data if isinstance(input, PackedSequence) else input
    states = () if hx is None else (hx,) if isinstance(hx, Tensor) else hx
    if not isinstance(x, Tensor) or not isinstance(states, tuple | list):
        return None
    if not x.is_cpu or not all(isinstance(s, Tensor) and s.is_cpu for s in states):
        return None
    kinds = tuple([s.dtype for s in states])
    return _asked(module.mode, module.bias, x.dtype, kinds, torch.is_grad_enabled())


@lru_cache(maxsize=64)
def _asked(mode, bias, dtype, states, grad) -> tuple[torch.dtype, ...] | None:
    """By a layer of torch's with a single unit."""
    options = {} if len(BY_MODE[mode].modes) == 1 else {"nonlinearity": mode.split("_")[1].lower()}
    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(grad):
        layer = getattr(nn, BY_MODE[mode].title)(1, 1, bias=bias, **options)
        given = [torch.zeros(1, 1, 1, dtype=kind) for kind in states]
        hx = None if not given else given[0] if len(given) == 1 else tuple(given)
        try:
            with torch.autocast("cpu", torch.bfloat16):
                y, after = layer(torch.zeros(1, 1, 1, dtype=dtype), hx)
        except (RuntimeError, ValueError) as error:
            if _UNABLE in str(error):
                return (torch.bfloat16,) * (1 + BY_MODE[mode].states)
            return None
    return (y.dtype, *[s.dtype for s in (after if isinstance(after, tuple) else (after,))])


def converted(found: Any, dtypes: tuple[torch.dtype, ...]) -> Any:
    """y and states in these dtypes."""
    y, state = found
    kind, *kinds = dtypes
    y = y._replace(data=y.data.to(kind)) if isinstance(y, PackedSequence) else y.to(kind)
    if isinstance(state, Tensor):
        return y, state.to(kinds[0])
    return y, tuple([s.to(one) for s, one in zip(state, kinds, strict=True)])
