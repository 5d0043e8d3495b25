"""A saved Forecaster as a page: the network, the series it was saved with, and its forecasts."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Panel
from ..forecast import Forecaster
from ..forecast.intervals.calibration import counts
from ..forecast.network.distribution import QUANTILES
from ..forecast.network.network import Network
from ..ops.constants import COUNTS, GAPS, WINDOW
from ..wording import written_alike
from .pages import FORMAT, layer_pages, linear_page
from .tensors import encode

MOST_SERIES = 12  # a page is not a data base


def forecaster_page(path: Path, name: str) -> dict[str, Any]:
    return saved_page(Forecaster.load(path), name)


def saved_page(whole: Forecaster, name: str) -> dict[str, Any]:
    """The first network of the ensemble, live; the forecasts of all that were trained, as numbers.
    The page does not have the network that ships, and says so where that has a share."""
    forecaster, title = whole.without_pretrained(), {"en": name, "fr": name}
    if whole is not forecaster:
        title = {
            "en": f"{name} (trained networks alone)",
            "fr": f"{name} (réseaux entraînés seuls)",
        }
    if not forecaster.networks_:
        raise ValueError(f"the model {name} has effort='instant': the page shows trained ones")
    network = forecaster.networks_[0]
    cell = network.shape.cell
    if cell == "ann":
        raise ValueError(f"the model {name} has cell='ann': without a loop there is no memory")
    if network.shape.has_covariates:
        raise ValueError(f"the model {name} reads covariates; the page shows series alone")
    return {
        "format": FORMAT,
        "name": name,
        "kind": cell,
        "residual": True,
        **_weights(network),
        "meta": {
            "task": "forecast",
            "title": title,
            "networks": len(forecaster.networks_),
            "quantiles": QUANTILES,
            "shape": _shape(network),
            "constants": WINDOW._asdict() | {"gaps": GAPS, "counts": COUNTS},
            "interval_scale": float(network.interval_scale),
            "prior": network.prior.tolist(),
            "wander": network.wander.tolist(),
            "factors": network.factors.tolist(),
            "calibration": forecaster.calibration_,
            "nonnegative": forecaster.options.nonnegative,
            "series": series_page(forecaster, forecaster.panel_),
        },
    }


def _weights(network: Network) -> dict[str, Any]:
    state = network.state_dict()
    layers = [layer_pages(state, f"layers.{k}.", 1)[0] for k in range(network.shape.layers)]
    embed, head = linear_page(state, "embed."), linear_page(state, "head.")
    return {"embed": embed, "layers": layers, "head": head}


def _shape(network: Network) -> dict[str, Any]:
    shape = network.shape
    return {
        "h": shape.h,
        "patch": shape.patch,
        "steps": shape.steps,
        "seasons": list(shape.seasons),
        "anchors": network.anchors.names,
    }


def series_page(forecaster: Forecaster, panel: Panel) -> list[dict[str, Any]]:
    """The series of a panel with what the forecaster expects after them."""
    quantiles = forecaster.predict_quantiles(panel)  # (S, h, Q)
    h = forecaster.options.h
    future = panel.local(np.asarray(panel.future(h)[panel.time_col])).reshape(-1, h)
    return [
        {
            "id": str(panel.ids[s]),
            "y": encode(panel.series(s)),
            "nonnegative": _nonnegative(forecaster, panel.series(s)),
            "times": written_alike(panel.local(panel.times(s))),
            "future": written_alike(future[s]),
            "quantiles": _rounded(quantiles[s]),
        }
        for s in range(min(len(panel.ids), MOST_SERIES))
    ]


def _nonnegative(forecaster: Forecaster, y: NDArray) -> bool:
    wanted = forecaster.options.nonnegative
    return counts(y) if wanted is None else wanted


def _rounded(quantiles: NDArray) -> list[list[float]]:
    return [[float(f"{value:.6g}") for value in row] for row in quantiles]
