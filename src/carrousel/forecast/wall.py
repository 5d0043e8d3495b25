"""Forecasts by networks that read the clock on the wall, of the steps of time that come next."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.wall import Wall
from .learner import window_quantiles
from .model import Network
from .windows import Windows


def wall_quantiles(
    networks: Sequence[Network], wall: Wall, drops: Sequence[int]
) -> NDArray[np.float64]:
    """(W, S, h, Q) quantiles of what follows each series without its last ``drops[w]`` steps.

    Once clocks have been put forward within the horizon, its last steps lie beyond the ``h`` that
    a network forecasts from the end of the history: these are forecast from an hour later, with
    that hour missing.
    """
    shape = networks[0].shape
    windows = Windows.of(wall.panel, shape.history, shape.h)
    return np.stack([_one_window(networks, windows, *wall.ahead(d, shape.h)) for d in drops])


def _one_window(
    networks: Sequence[Network], windows: Windows, known: NDArray, where: NDArray, turned: NDArray
) -> NDArray[np.float64]:
    """(S, h, Q); see ``Wall.ahead``."""
    h = where.shape[1]
    hidden = replace(windows, stop=windows.start + torch.from_numpy(known))
    found = window_quantiles(networks, hidden, [0])[0]
    out = np.take_along_axis(found, where.clip(0, h - 1)[..., None], 1)
    outside = (where < 0) | (where >= h)
    for turn in np.unique(turned[outside]):
        later = window_quantiles(networks, hidden, [-int(turn)])[0]
        chosen = outside & (turned == turn)
        out[chosen] = later[chosen]
    return out
