"""A series as a forecaster's network reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..forecast.intervals.calibration import calibrated, counts
from ..forecast.intervals.doubt import doubted, never_moved, steady, stepped_over
from ..forecast.network.distribution import QUANTILES
from ..forecast.network.network import Network
from ..forecast.network.shape import Shape
from ..forecast.network.windows import less_last
from .network import PageNetwork
from .tensors import decode

MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True)
class Observations:
    """The last ``steps * step`` values of a series, NaN where there is none, before a gap of whole
    seasons at its end."""

    page: dict[str, Any]
    history: Tensor  # (1, steps*step) less the last value
    offset: Tensor  # (1, 1) which this is
    gap: int  # missing values at the end
    inputs: Tensor  # (T, F)
    steps: list[str]

    @classmethod
    def of(cls, page: dict[str, Any], series: Sequence[float | None]) -> "Observations":
        shape = shape_of(page)
        known = [float("nan") if v is None else v for v in series]
        values = torch.tensor(known, dtype=torch.float64)
        if not values.isfinite().any():
            raise ValueError("series holds no value")
        gap = len(values) - 1 - int(values.isfinite().nonzero().max())
        over = int(stepped_over(torch.tensor(gap), shape))
        kept = values[: len(values) - over][-shape.history :]
        missing = torch.full((shape.history - len(kept),), torch.nan, dtype=torch.float64)
        history, offset = less_last(torch.cat([missing, kept])[None])
        inputs = network_of(page).encode(history, offset=offset).features[0]
        return cls(page, history, offset, gap, inputs, [str(t) for t in range(shape.steps)])

    def answer(self, output: Tensor) -> dict[str, Any]:
        with torch.no_grad():
            network = network_of(self.page)
            found = network(self.history, last=True, offset=self.offset).quantiles()[:, 0]
            found = steady(found, never_moved(self.history), self.offset)
        known = self.history.isfinite().sum(1)
        quantiles = doubted(found, torch.tensor([self.gap]), known, network)[0].numpy()
        meta = self.page["meta"]
        if meta["calibration"] is not None:
            quantiles = calibrated(quantiles, meta["calibration"])
        wanted = meta["nonnegative"]
        if counts((self.history + self.offset)[0].numpy()) if wanted is None else wanted:
            quantiles = np.maximum(quantiles, 0)
        return {"quantiles": quantiles.tolist()}

    def reader(
        self, network: PageNetwork, output: Tensor, at: int, target: str | None
    ) -> tuple[Tensor, str]:
        """The slope of the median of one step ahead ("1", "2", ...) by the state at ``at``."""
        whole = network_of(self.page)
        ahead = _ahead(target, whole.shape.h)
        seen = whole.encode(self.history, offset=self.offset)
        with torch.no_grad():
            state, _ = whole.recurrence(whole.embed(seen.features))
        state.requires_grad_()
        forecast = whole.decode(whole.head(state), seen.scaled, seen.anchors)
        median = forecast.quantiles()[0, at, ahead - 1, MEDIAN]
        (slope,) = torch.autograd.grad(median, state)
        return slope[0, at], str(ahead)


def _ahead(target: str | None, h: int) -> int:
    if target is None:
        return 1
    if not target.isdecimal() or not 1 <= int(target) <= h:
        raise ValueError(f"target must be a step ahead, 1 to {h}, got {target!r}")
    return int(target)


def shape_of(page: dict[str, Any]) -> Shape:
    """The forecaster's shape, from what the page knows of it."""
    shape, layers = page["meta"]["shape"], page["layers"]
    return Shape(
        h=shape["h"],
        cell=page["kind"],
        patch=shape["patch"],
        steps=shape["steps"],
        seasons=tuple(shape["seasons"]),
        hidden=layers[0]["weight_hh"]["shape"][1],
        layers=len(layers),
    )


def network_of(page: dict[str, Any]) -> Network:
    """The forecaster's network with the page's weights."""
    network = Network(shape_of(page))
    state = {f"{part}.{key}": page[part][key] for part in ("embed", "head") for key in page[part]}
    for k, layer in enumerate(page["layers"]):
        state |= {f"layers.{k}.{key}_l0": value for key, value in layer.items()}
    tensors = {key: torch.from_numpy(decode(value)) for key, value in state.items()}
    tensors["interval_scale"] = torch.tensor(page["meta"]["interval_scale"])
    for name in ("prior", "wander", "factors"):
        tensors[name] = torch.tensor(page["meta"][name], dtype=torch.float64)
    network.load_state_dict(tensors)
    return network.eval()
