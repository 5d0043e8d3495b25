"""Training and running the ensemble; panels and arrays only, no tables."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.panel import Panel, some
from ..train import Progress, Run, fit
from .choose import Plan
from .losses import forecast_loss, targets
from .model import Forecast, Network, Shape
from .windows import Sampler, Windows

Report = Callable[[str, Progress], None]  # (what is trained, progress)
PREDICTED_AT_ONCE = 1024  # windows


def train_ensemble(
    panel: Panel,
    plan: Plan,
    progress: Report | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> tuple[list[Network], list[Run]]:
    """Train the networks of a plan.

    The first is validated on the end of each series, which it does not learn from; it finds out
    how many updates are enough. The others make that many, and learn from everything.
    """
    windows = Windows.of(panel, plan.shape.history, plan.shape.h)
    networks: list[Network] = []
    runs: list[Run] = []
    for member in range(plan.members):
        network = new_network(plan.shape, plan.train.seed + member)
        options = replace(plan.train, seed=plan.train.seed + member)
        validate, seen = None, windows
        if member == 0:
            validate = _validation(windows, plan)
            seen = windows.hiding(plan.holdout) if validate is not None else windows
        elif runs[0].best_score is not None:
            options = replace(options, steps=max(runs[0].best_step, 1))
        name = f"network {member + 1} of {plan.members}"
        run = fit(
            network,
            _batches(Sampler(seen, plan.shape.step), panel, plan),
            lambda model, window: forecast_loss(*_forward(model, window, plan.shape)),
            options,
            validate=validate,
            progress=None if progress is None else partial(progress, name),
            checkpoint=checkpoint / f"network{member}.safetensors" if checkpoint else None,
            resume=resume,
        )
        networks.append(network)
        runs.append(run)
        if run.stopped == "interrupted":
            break
    return networks, runs


def new_network(shape: Shape, seed: int) -> Network:
    """A network initialised from ``seed``; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(shape)


def predict_quantiles(networks: list[Network], windows: Windows, drop: int = 0) -> NDArray:
    """(S, h, Q) float64 quantiles of what follows each series without its last ``drop``."""
    count = len(windows.start)
    everything = torch.arange(count)
    seen = windows.hiding(drop)
    out = []
    with torch.inference_mode():
        for series in everything.split(PREDICTED_AT_ONCE):
            history = seen.gather(series, seen.stop[series])[:, : seen.history]
            members = [_values(network(history, last=True)) for network in networks]
            out.append(torch.stack(members).mean(0))
    if not out:
        raise ValueError("there is no series to forecast")
    return torch.cat(out).numpy()


def _values(forecast: Forecast) -> Tensor:
    """(B, h, Q) float64, in the units of y, from the last step."""
    quantiles = forecast.centre[:, -1, :, None] + (
        forecast.scale[:, -1, :, None] * forecast.quantiles[:, -1]
    )
    return quantiles.double() + forecast.scaled.origin[:, :, None].double()


def _batches(
    sampler: Sampler, panel: Panel, plan: Plan
) -> Callable[[int, torch.Generator], Tensor]:
    if sampler.total == 0:
        names = [f"{i!r} has {n}" for i, n in zip(panel.ids, panel.lengths, strict=True)]
        raise ValueError(f"training needs a series of at least 2 observations, but {some(names)}")
    return lambda step, generator: sampler.draw(plan.batch_size, generator)


def _forward(model: nn.Module, window: Tensor, shape: Shape) -> tuple[Forecast, Tensor]:
    return model(window[:, : shape.history]), targets(window, shape)


def _validation(windows: Windows, plan: Plan) -> Callable[[nn.Module], float] | None:
    """Loss of the forecasts from the last ``origins`` positions that leave a whole horizon."""
    shape = plan.shape
    length = windows.stop - windows.start
    long_enough = torch.nonzero(length - plan.holdout > shape.step)[:, 0]
    if len(long_enough) == 0:
        return None
    back = torch.linspace(shape.h, plan.holdout, plan.origins).long()  # (origins)
    series = long_enough.repeat_interleave(len(back))
    batch = windows.gather(series, windows.stop[series] - back.repeat(len(long_enough)))
    if not batch[:, shape.history :].isfinite().any():
        return None

    def score(model: nn.Module) -> float:
        forecast = model(batch[:, : shape.history], last=True)
        return float(forecast_loss(forecast, batch[:, None, shape.history :]))

    return score


def require_finite(quantiles: NDArray) -> NDArray:
    """Refuse to hand out a forecast that is not a number."""
    if not np.isfinite(quantiles).all():
        raise FloatingPointError("the forecast is not finite: the values are too large for float32")
    return quantiles
