"""Forecasts by networks that read the clock on the wall, of the steps of time that come next."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
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
    h = networks[0].shape.h
    return np.stack([_one_window(networks, wall, *wall.ahead(drop, h)) for drop in drops])


def _one_window(
    networks: Sequence[Network], wall: Wall, known: NDArray, where: NDArray, turned: NDArray
) -> NDArray[np.float64]:
    """(S, h, Q); see ``Wall.ahead``."""
    h = where.shape[1]
    found = _after(networks, wall, known)
    out = np.take_along_axis(found, where.clip(0, h - 1)[..., None], 1)
    outside = (where < 0) | (where >= h)
    for turn in np.unique(turned[outside]):
        later = _after(networks, wall, known, int(turn))
        chosen = outside & (turned == turn)
        out[chosen] = later[chosen]
    return out


def _after(
    networks: Sequence[Network], wall: Wall, known: NDArray, missing: int = 0
) -> NDArray[np.float64]:
    """(S, h, Q) of what follows the first ``known`` (S,) steps on the wall and so many missing
    ones; fewer than none: without the last of them."""
    panel, parts = wall.panel, []
    for s, n in enumerate(known):
        y = panel.series(s)[: max(n + min(missing, 0), 1)]
        parts.append(np.append(y, np.full(max(missing, 0), np.nan, y.dtype)))
    offsets = np.concatenate([[0], np.cumsum([len(y) for y in parts])])
    shown = replace(panel, y=np.concatenate(parts), offsets=offsets)
    shape = networks[0].shape
    return window_quantiles(networks, Windows.of(shown, shape.history, shape.h), [0])[0]
