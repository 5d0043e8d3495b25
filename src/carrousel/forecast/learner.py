"""Training and running the ensemble; panels and arrays only, no tables."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.panel import Panel, some
from ..train import Progress, Run, fit
from .choose import Plan
from .model import Network, Shape
from .start import start_from
from .validation import Validation
from .windows import Sampler, Windows

Report = Callable[[str, Progress], None]  # (what is trained, progress)
PREDICTED_AT_ONCE = 512  # windows
STARTED_FROM = 256  # windows


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
    validation = Validation(windows, plan)
    networks: list[Network] = []
    runs: list[Run] = []
    for member in range(plan.members):
        first = member == 0 and bool(validation)
        options = replace(plan.train, seed=plan.train.seed + member)
        if runs and runs[0].best_score is not None:
            options = replace(options, steps=max(runs[0].best_step, 1))
        sampler = Sampler(windows.hiding(plan.holdout) if first else windows, plan.shape.step)
        _require_any(sampler, panel)
        name = f"network {member + 1} of {plan.members}"
        network = new_network(plan.shape, options.seed, sampler)
        run = fit(
            network,
            partial(_batch, sampler, plan.batch_size),
            _loss,
            options,
            validate=validation.score if first else None,
            progress=None if progress is None else partial(progress, name),
            checkpoint=checkpoint / f"network{member}.safetensors" if checkpoint else None,
            resume=resume,
        )
        networks.append(network)
        runs.append(run)
        if run.stopped == "interrupted":
            break
    if validation:
        stretch = validation.best_stretch(networks[0])
        for network in networks:
            network.stretch.fill_(stretch)
    return networks, runs


def _batch(sampler: Sampler, size: int, step: int, generator: torch.Generator) -> Tensor:
    return sampler.draw(size, generator)


def _loss(model: Any, window: Tensor) -> Tensor:
    return model.loss(window)


def new_network(shape: Shape, seed: int, sampler: Sampler) -> Network:
    """A network drawn from ``seed`` that starts from the simple forecasts of some windows.

    The global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(shape)
    start_from(network, sampler.draw(STARTED_FROM, torch.Generator().manual_seed(seed)))
    return network


def predict_quantiles(networks: list[Network], windows: Windows, drop: int = 0) -> NDArray:
    """(S, h, Q) float64 quantiles of what follows each series without its last ``drop``."""
    count = len(windows.start)
    everything = torch.arange(count)
    seen = windows.hiding(drop)
    out = []
    with torch.inference_mode():
        for series in everything.split(PREDICTED_AT_ONCE):
            history = seen.gather(series, seen.stop[series])[:, : seen.history]
            shown = networks[0].look(history, last=True)
            members = (network.answer(shown).quantiles()[:, 0] for network in networks)
            out.append(sum(members) / len(networks))
    if not out:
        raise ValueError("there is no series to forecast")
    return torch.cat(out).numpy()


def _require_any(sampler: Sampler, panel: Panel) -> None:
    if sampler.total == 0:
        names = [f"{i!r} has {n}" for i, n in zip(panel.ids, panel.lengths, strict=True)]
        raise ValueError(f"training needs a series of at least 2 observations, but {some(names)}")


def require_finite(quantiles: NDArray) -> NDArray:
    """Refuse to hand out a forecast that is not a number."""
    if not np.isfinite(quantiles).all():
        raise FloatingPointError("the forecast is not finite: the values are too large for float32")
    return quantiles
