"""Windows of series, and what a forecaster sees of them: the door that picks who computes it.

The formulas, in plain torch, are in ``carrousel.ops.reference`` (``scaling``, ``features``,
``anchors``); the kernel (``csrc/windows.inl.h``) does the same in one pass. It sees all windows of
training, forecasts and streams; what must be derived goes through torch.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _core
from . import checks, gate
from .constants import WINDOW
from .reference.anchors import Anchors
from .reference.features import features
from .reference.scaling import Prior, Scaled, scale_steps

SMALL = 1 << 14  # values that are written: below, a second thread costs more than it does


class Look(NamedTuple):
    """B windows of T steps as a network sees them."""

    features: Tensor  # (B, T, step * (2 + backs) + 2)
    anchors: Tensor  # (B, T, kinds, h), or T = 1: the last step alone is asked for
    scaled: Scaled  # of the steps for which there are anchors


def look(
    history: Tensor,
    anchors: Anchors,
    backs: Sequence[int],
    offset: Tensor,
    prior: Prior,
    last: bool = False,
) -> Look:
    """What a network sees of history (B, T*step), float32 or float64, NaN where missing.

    Args:
        history: The values less ``offset`` (B, 1) float64.
        anchors: The simple forecasts that are wanted.
        backs: Steps back at which values are compared.
        prior: The usual scale.
        last: The simple forecasts of the last step alone.
    """
    shape = checks.dims("history", history, (2,))
    checks.tensor("history", history, shape, checks.floating("history", history))
    if not 0 < anchors.step <= shape[1]:
        raise ValueError(f"step must be 1 to the {shape[1]} values of a window, got {anchors.step}")
    checks.tensor("offset", offset, (shape[0], 1), torch.float64)
    if (history.requires_grad and torch.is_grad_enabled()) or gate.in_transform():
        return _by_the_formulas(history, anchors, backs, offset, prior, last)
    return _in_one_pass(history, anchors, backs, offset, prior, last)


def _by_the_formulas(
    history: Tensor,
    anchors: Anchors,
    backs: Sequence[int],
    offset: Tensor,
    prior: Prior,
    last: bool,
) -> Look:
    scaled = scale_steps(history, anchors.step, anchors.seasons, offset=offset, prior=prior)
    shown, simple = features(scaled, backs), anchors(scaled, last)
    return Look(shown, simple, scaled.last() if last else scaled)


def _in_one_pass(
    history: Tensor,
    anchors: Anchors,
    backs: Sequence[int],
    offset: Tensor,
    prior: Prior,
    last: bool,
) -> Look:
    history = history if history.stride(1) == 1 else history.contiguous()
    batch, step, kinds = len(history), anchors.step, len(anchors.names)
    steps, offset, new = history.shape[1] // step, offset.contiguous(), history.new_empty
    first = steps - 1 if last else 0
    shown = new(batch, steps, step * (2 + len(backs)) + 2)
    simple = new(batch, steps - first, kinds, anchors.h)
    scaled = Scaled(
        values=new(batch, steps, step),
        mask=new(batch, steps, step),
        level=new(batch, steps, 1),
        scale=new(batch, steps, 1),
        size=new(batch, steps, 1),
        origin=new(batch, 1),
        age=torch.empty(batch, steps, dtype=torch.int64),
        offset=offset,
    )
    measured = (scaled.values, scaled.mask, scaled.level, scaled.scale, scaled.size, scaled.origin)
    run = _core.look_f32 if history.dtype is torch.float32 else _core.look_f64
    run(
        _threads(batch, shown.numel() + simple.numel()),
        (batch, steps, step, anchors.h, kinds, first),
        (anchors.seasons, backs),
        (history.data_ptr(), history.stride(0), offset.data_ptr()),
        prior,
        WINDOW,
        tuple([t.data_ptr() for t in (shown, simple, *measured, scaled.age)]),
    )
    return Look(shown, simple, scaled.last() if last else scaled)


def gather(
    y: Tensor, start: Tensor, stop: Tensor, series: Tensor, end: Tensor, history: int, h: int
) -> tuple[Tensor, Tensor]:
    """(B, history + h) float32 values of y (N,), float32 or float64, around the positions ``end``
    (B,) of ``series`` (B,), less the last value of each history, and these, (B, 1) float64.

    Series s is y[start[s]:stop[s]]; what lies outside is NaN.
    """
    (count,), (values,) = checks.dims("start", start, (1,)), checks.dims("y", y, (1,))
    (batch,), length = checks.dims("series", series, (1,)), history + h
    checks.tensor("y", y, (values,), checks.floating("y", y))
    for name, places in (("start", start), ("stop", stop)):
        checks.tensor(name, places, (count,), torch.int64)
    for name, places in (("series", series), ("end", end)):
        checks.tensor(name, places, (batch,), torch.int64)
    if history < 0 or h < 0:
        raise ValueError(f"history and h must not be negative, got {history} and {h}")
    out = torch.empty(batch, length)
    offset = torch.empty(batch, 1, dtype=torch.float64)
    run = _core.gather_f32 if y.dtype is torch.float32 else _core.gather_f64
    inputs = [t.contiguous() for t in (y, start, stop, series, end)]
    run(
        _threads(batch, batch * length),
        (batch, history, length, count, values),
        tuple([t.data_ptr() for t in inputs]),
        out.data_ptr(),
        offset.data_ptr(),
    )
    return out, offset


def pick(
    uniform: Tensor, first: Tensor, count: Tensor, cumulative: Tensor
) -> tuple[Tensor, Tensor]:
    """Random series (B,), in proportion to what ``cumulative`` (S,) float64 adds up, and for each a
    random position out of the ``count`` (S,) from ``first`` (S,) on; int64, from numbers uniform
    (2, B) float64 in [0, 1)."""
    _, batch = checks.dims("uniform", uniform, (2,))
    checks.tensor("uniform", uniform, (2, batch), torch.float64)
    (known,) = checks.dims("first", first, (1,))
    checks.tensor("first", first, (known,), torch.int64)
    checks.tensor("count", count, (known,), torch.int64)
    checks.tensor("cumulative", cumulative, (known,), torch.float64)
    out = torch.empty(2, batch, dtype=torch.int64)
    series, end = out
    inputs = [t.contiguous() for t in (uniform, first, count, cumulative)]
    places = tuple([t.data_ptr() for t in inputs])
    _core.pick(batch, known, places, (series.data_ptr(), end.data_ptr()))
    return series, end


def _threads(batch: int, values: int) -> int:
    return 1 if values < SMALL else min(torch.get_num_threads(), batch)
