"""The last windows of each series: they decide when to stop and how wide intervals must be."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..network.distribution import Forecast
from ..network.loss import forecast_loss
from ..network.windows import Windows
from ..plan import Plan

INTERVAL_SCALES = tuple(1.15**k for k in range(9))  # 1 ... 3.06: never narrower than was learned
# ... from real series; made-up ones may have been less certain.
EITHER_WAY = (*(1.15**-k for k in range(5, 0, -1)), *INTERVAL_SCALES)

USUAL = 0.6  # stretch beyond 1 that is right on average for one series of up to SHORT values;
SHORT = 500  # for a longer one it falls with the root of the values, as doubt does
DOUBT = 4  # horizons held out at which what they say counts as much as what is usual
TAMER = 1.2  # as much wider are real intervals than those of made-up series
MOST_SERIES = 2000  # that are validated on: enough for a score


class Validation:
    """Forecasts of the end of each series, from ``plan.origins`` positions that leave a whole
    horizon; the network that is validated must not have learned from the last ``plan.holdout``
    values.

    A network is more certain of the past that it has learned than of the future. One number
    repairs most of that: all intervals are stretched by the factor with which they would have
    forecast the held-out windows best. A network is therefore also judged by its loss after
    stretching, so that it is not stopped for a fault that is repaired. A single series holds out
    a few horizons, which say little: the factor is then drawn towards the usual one (interval
    scores of 31 single series: 11 % better than by their own factors, 91 for 87 % inside 95 %).
    """

    def __init__(self, windows: Windows, plan: Plan) -> None:
        shape = plan.shape
        length = windows.stop - windows.start
        long_enough = torch.nonzero(length - plan.holdout > shape.patch)[:, 0]
        if len(long_enough) > MOST_SERIES:
            long_enough = long_enough[:: len(long_enough) // MOST_SERIES + 1]
        self.horizons = len(long_enough) * plan.holdout / shape.h
        self.share = self.horizons / (self.horizons + DOUBT)  # how much the factor found here says
        values = max(int(length.sum()), SHORT)
        self.usual = 1 + USUAL * (SHORT / values) ** 0.5
        back = torch.linspace(shape.h, plan.holdout, plan.origins).long()  # (origins)
        series = long_enough.repeat_interleave(len(back))
        end = windows.stop[series] - back.repeat(len(long_enough))
        (batch, self.offset), self.extra = windows.gather(series, end), windows.extra(series, end)
        self.history, self.target = batch[:, None].split([shape.history, shape.h], -1)

    def __bool__(self) -> bool:
        """Whether there is anything to validate on."""
        return bool(self.target.isfinite().any())

    def score(self, model: nn.Module) -> float:
        """The loss with the best stretch: what early stopping minimizes."""
        return min(self.losses(model))

    def best_interval_scale(self, model: nn.Module) -> float:
        """The best factor, drawn towards the usual one as far as there is little held out."""
        if not self:
            return self.usual
        return _best(self.losses(model)) ** self.share * self.usual ** (1 - self.share)

    @torch.no_grad()
    def losses(self, model: nn.Module, factors: Sequence[float] = INTERVAL_SCALES) -> list[float]:
        """With each of ``factors``."""
        forecast: Forecast = model(
            self.history[:, 0], last=True, extra=self.extra, offset=self.offset
        )
        return [_scaled_intervals(forecast, factor, self.target) for factor in factors]


def _best(losses: list[float], factors: Sequence[float] = INTERVAL_SCALES) -> float:
    return factors[losses.index(min(losses))]


def _scaled_intervals(forecast: Forecast, factor: float, target: Tensor) -> float:
    wider = forecast._replace(width=forecast.width * factor)
    return forecast_loss(wider, target).item()


class Both:
    """Validation on real series and on made-up ones (see ``lessons``): the fewer horizons the
    real ones hold out, the more the made-up ones say."""

    def __init__(self, real: Validation, made_up: Validation) -> None:
        self.real, self.made_up = real, made_up
        self.share = real.share if real else 0.0

    def __bool__(self) -> bool:
        return True

    def score(self, model: nn.Module) -> float:
        """Both losses, each with the same stretch, the best one."""
        made_up = self.made_up.losses(model)
        real = self.real.losses(model) if self.real else made_up
        return min(
            self.share * a + (1 - self.share) * b for a, b in zip(real, made_up, strict=True)
        )

    def best_interval_scale(self, model: nn.Module) -> float:
        """That of the real series, drawn towards a little more than that of the made-up ones,
        which are tamer."""
        usual = TAMER * _best(self.made_up.losses(model))
        if not self.real:
            return usual
        losses = self.real.losses(model, EITHER_WAY)
        return _best(losses, EITHER_WAY) ** self.share * usual ** (1 - self.share)
