"""Forecasts by networks that read the clock on the wall, of the steps of time that come next."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...data.panel import Panel
from ...data.wall import Wall
from ..network.network import Network
from ..network.windows import Windows
from .companion import Companion
from .training import window_quantiles


def wall_quantiles(
    networks: Sequence[Network],
    wall: Wall,
    drops: Sequence[int],
    ahead: NDArray[np.float32] | None = None,
    companion: Companion | None = None,
) -> NDArray[np.float64]:
    """(W, S, h, Q) quantiles of what follows each series without its last ``drops[w]`` steps;
    ``ahead`` (S, h, F) are covariates of the steps of time after the end of each series.

    Once clocks have been put forward within the horizon, its last steps lie beyond the ``h`` that
    a network forecasts from the end of the history: these are forecast from an hour later, with
    that hour missing.
    """
    h, coming = networks[0].shape.h, wall.coming(ahead)
    after = partial(_after, networks, companion, wall, coming)
    found = [_one_window(after, *wall.ahead(drop, h)) for drop in drops]
    return np.stack(found)


def _one_window(
    after: Callable[..., NDArray], known: NDArray, where: NDArray, turned: NDArray
) -> NDArray[np.float64]:
    """(S, h, Q); see ``Wall.ahead``."""
    h = where.shape[1]
    found = after(known)
    out = np.take_along_axis(found, where.clip(0, h - 1)[..., None], 1)
    outside = (where < 0) | (where >= h)
    for turn in np.unique(turned[outside]):
        later = after(known, int(turn))
        chosen = outside & (turned == turn)
        out[chosen] = later[chosen]
    return out


def _after(
    networks: Sequence[Network],
    companion: Companion | None,
    wall: Wall,
    coming: list[NDArray],
    known: NDArray,
    missing: int = 0,
) -> NDArray[np.float64]:
    """(S, h, Q) of what follows the first ``known`` (S,) steps on the wall and so many missing
    ones; fewer than none: without the last of them."""
    shown, shape = wall.cut(known, missing, coming), networks[0].shape
    windows = Windows.of(shown, shape.history, shape.h, len(shape.futr))
    windows = windows.following(wall.following(coming, shown.lengths, shape.h))
    return window_quantiles(networks, windows, [0], companion)[0]


def to_explain(
    wall: Wall, series: int, step: int | None, h: int, ahead: NDArray[np.float32] | None
) -> tuple[Panel, list[int], NDArray[np.float32] | None]:
    """The panel, the steps of its clock and the covariates after its end from which the ``step``
    of time of a series is forecast. None: all ``h`` steps of time, but for those that lie beyond
    the ``h`` of the clock once it has been put forward (see ``wall_quantiles``)."""
    (known, where, turned), coming = wall.ahead(0, h), wall.coming(ahead)
    missing, places = 0, where[series]
    if step is None:
        steps = [int(place) + 1 for place in places if 0 <= place < h]
    elif not 1 <= step <= h:
        steps = [step]
    else:
        place = int(places[step - 1])
        missing = 0 if 0 <= place < h else int(turned[series, step - 1])
        steps = [step if missing else place + 1]
    shown = wall.cut(known, missing, coming)
    return shown, steps, wall.following(coming, shown.lengths, h)
