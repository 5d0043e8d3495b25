"""The last windows of each series: they decide when to stop and how wide intervals must be."""

import torch
from torch import Tensor, nn

from .choose import Plan
from .distribution import Forecast
from .loss import forecast_loss
from .windows import Windows

STRETCHES = tuple(1.15**k for k in range(9))  # 1 ... 3.06: never narrower than was learned

MOST_SERIES = 2000  # that are validated on: enough for a score


class Validation:
    """Forecasts of the end of each series, from ``plan.origins`` positions that leave a whole
    horizon; the network that is validated must not have learned from the last ``plan.holdout``
    values.

    A network is more certain of the past that it has learned than of the future. One number
    repairs most of that: all intervals are stretched by the factor with which they would have
    forecast the held-out windows best. A network is therefore also judged by its loss after
    stretching, so that it is not stopped for a fault that is repaired.
    """

    def __init__(self, windows: Windows, plan: Plan) -> None:
        shape = plan.shape
        length = windows.stop - windows.start
        long_enough = torch.nonzero(length - plan.holdout > shape.step)[:, 0]
        if len(long_enough) > MOST_SERIES:
            long_enough = long_enough[:: len(long_enough) // MOST_SERIES + 1]
        back = torch.linspace(shape.h, plan.holdout, plan.origins).long()  # (origins)
        series = long_enough.repeat_interleave(len(back))
        batch = windows.gather(series, windows.stop[series] - back.repeat(len(long_enough)))
        self.history, self.target = batch[:, None].split([shape.history, shape.h], -1)

    def __bool__(self) -> bool:
        """Whether there is anything to validate on."""
        return bool(self.target.isfinite().any())

    def score(self, model: nn.Module) -> float:
        """The loss with the best stretch: what early stopping minimises."""
        return min(self._losses(model))

    def best_stretch(self, model: nn.Module) -> float:
        losses = self._losses(model)
        return STRETCHES[losses.index(min(losses))]

    @torch.no_grad()
    def _losses(self, model: nn.Module) -> list[float]:
        forecast: Forecast = model(self.history[:, 0], last=True)
        return [_stretched(forecast, factor, self.target) for factor in STRETCHES]


def _stretched(forecast: Forecast, factor: float, target: Tensor) -> float:
    wider = forecast._replace(width=forecast.width * factor)
    return forecast_loss(wider, target).item()
