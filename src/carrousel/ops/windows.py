"""Windows of series, and what a forecaster sees of them: in one pass each.

The formulas, in plain torch, are in ``carrousel.forecast`` (``scaling``, ``model.features``,
``anchors``); differentiable ways go there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

import carrousel._core as _core
from carrousel.ops import checks

SMALL = 1 << 14  # values that are written: below, a second thread costs more than it does


class Look(NamedTuple):
    """B windows of T steps; the last eight are a ``carrousel.forecast.scaling.Scaled``."""

    features: Tensor  # (B, T, step * (2 + backs) + 2)
    anchors: Tensor  # (B, T or 1, kinds, horizon)
    values: Tensor  # (B, T, step)
    mask: Tensor  # (B, T, step)
    level: Tensor  # (B, T, 1)
    scale: Tensor  # (B, T, 1)
    size: Tensor  # (B, T, 1)
    origin: Tensor  # (B, 1)
    age: Tensor  # (B, T) int64
    offset: Tensor  # (B, 1) float64


def look(
    history: Tensor,
    step: int,
    horizon: int,
    kinds: int,
    seasons: Sequence[int],
    backs: Sequence[int],
    last: bool,
    offset: Tensor,
    prior: tuple[float, float],
) -> Look:
    """history (B, T*step), float32 or float64, NaN where missing, from which ``offset`` (B, 1)
    float64 was taken; with ``last``, the simple forecasts of the last step alone. ``prior`` is a
    ``carrousel.forecast.scaling.Prior``."""
    shape = checks.dims("history", history, (2,))
    checks.tensor("history", history, shape, checks.floating("history", history))
    if not 0 < step <= shape[1]:
        raise ValueError(f"step must be 1 to the {shape[1]} values of a window, not {step!r}")
    checks.tensor("offset", offset, (shape[0], 1), torch.float64)
    history = history if history.stride(1) == 1 else history.contiguous()
    batch, steps = len(history), history.shape[1] // step
    first, new = steps - 1 if last else 0, history.new_empty
    out = Look(
        new(batch, steps, step * (2 + len(backs)) + 2),
        new(batch, steps - first, kinds, horizon),
        new(batch, steps, step),
        new(batch, steps, step),
        new(batch, steps, 1),
        new(batch, steps, 1),
        new(batch, steps, 1),
        new(batch, 1),
        torch.empty(batch, steps, dtype=torch.int64),
        offset.contiguous(),
    )
    run = _core.look_f32 if history.dtype is torch.float32 else _core.look_f64
    run(
        _threads(batch, out.features.numel() + out.anchors.numel()),
        (batch, steps, step, horizon, kinds, first),
        (seasons, backs),
        (history.data_ptr(), history.stride(0), out.offset.data_ptr()),
        prior,
        tuple([t.data_ptr() for t in out[:-1]]),
    )
    return out


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
        raise ValueError(f"history and h must not be negative, they are {history} and {h}")
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
