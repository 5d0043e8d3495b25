"""From the data and what the user set to everything that training needs. All rules are here."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.panel import Panel
from ..training import TrainOptions
from .network.shape import Shape
from .options import Options
from .seasonality import choose_seasons

LONGEST_STEP = 48  # observations read at once; a longer season is cut into equal steps
CUT_STEP = 24  # ... of at most so many
MOST_STEPS = 128  # read before a forecast
MORE = 4  # of them than the longest season has
YEAR = 12  # months
TAUGHT = 900  # forecasts in a batch
LONG = 96  # steps ahead, from which on a batch has fewer
MADE_UP = 1024  # series to learn from beside few values
EQUAL = 500  # values at which half of a batch is made up
FEW = 4500  # values, from which on nothing is
LEAST = 0.2  # of a batch that is real, however few they are
JUDGED = 14  # horizons at most on which few series with covariates are judged
MOST_BESIDE = 5000  # series that the network that ships has a share in
LESSONS = 5000  # values that made-up series count as, for the size of a batch
# Updates, networks, and validations that may pass without a better one.
EFFORTS = {"fast": (500, 1, 6), "default": (1200, 4, 6), "best": (2000, 10, 6)}
BESIDE = EFFORTS | {"default": (1000, 2, 3)}  # where the network that ships is one more of them


@dataclass(frozen=True)
class Plan:
    """What was chosen; ``reasons`` says why, in sentences."""

    shape: Shape
    members: int
    batch_size: int
    train: TrainOptions
    holdout: int  # steps at the end of each series kept for validation
    origins: int  # forecasts of each series in a validation
    reasons: tuple[str, ...]
    synthetic: int = 0  # made-up series to learn from, too
    share: float = 1.0  # of a batch that is real
    judge: bool = False  # whether one more network is trained, only to be validated
    pretrained: float | None = 0.0  # share of the network that ships; None: it is measured

    @property
    def trainings(self) -> int:
        """Networks that are trained, also those that are not kept."""
        return self.members + self.judge


def choose(panel: Panel, options: Options) -> Plan:
    """The plan for a panel: rules from its frequency, lengths and number of series."""
    seasons, reason = chosen_seasons(panel, options)
    step = _step(seasons)
    steps = _steps(panel, options, seasons, step)
    values = panel.known
    share = 1.0 if _beyond_made_up(options, step * steps) else _real_share(panel, values)
    hidden = options.hidden_size or _width(values)
    depth = options.num_layers or 2
    shape = Shape(
        options.h, options.cell, step, steps, seasons, hidden, depth, **_covariates(panel)
    )
    pretrained = _pretrained(panel, options)
    updates, members, patience = (EFFORTS if pretrained == 0 else BESIDE)[options.effort]
    if share <= 0.5:
        updates //= 2  # what can be learned is learned sooner
    members = options.ensemble or members
    train = TrainOptions(
        steps=options.max_steps or updates,
        learning_rate=options.learning_rate or 3e-3,
        weight_decay=0.1,
        average=0.99,
        evaluate_every=50,
        patience=patience,
        seed=options.seed,
    )
    holdout, origins, judge = _holdout(panel, options.h)
    reasons = (
        reason,
        *_made_up(share),
        f"{steps} steps of {step} observations are read before a forecast",
        *_unreached(seasons, steps * step, options),
        f"{members} network{'s' * (members > 1)} of {depth} {options.cell} layers, {hidden} wide",
        f"validated on the last {holdout} observations of each series"
        + ", by a network of its own; what is kept learns from all" * judge,
    )
    return Plan(
        shape,
        members,
        options.batch_size or _batch(values + LESSONS * (share < 1), steps, options.h),
        train,
        holdout,
        origins,
        reasons,
        MADE_UP if share < 1 else 0,
        share,
        judge,
        pretrained,
    )


def chosen_seasons(panel: Panel, options: Options) -> tuple[tuple[int, ...], str]:
    """The lags of the seasons, and why: as asked, or what the panel shows."""
    if options.seasons:
        return options.seasons, f"seasons {options.seasons} as asked"
    return choose_seasons(panel)


def _real_share(panel: Panel, values: int) -> float:
    """Of a batch; 1 where there is enough to learn from, or covariates, which are not made up."""
    if panel.covariates or values >= FEW:
        return 1.0
    return max(values / (values + EQUAL), LEAST)


def _pretrained(panel: Panel, options: Options) -> float | None:
    """The share of the network that ships: nothing beside covariates, which it does not read, and
    of many series, whose forecasts would take several times as long."""
    if panel.covariates or panel.n_series > MOST_BESIDE:
        return 0.0
    return options.pretrained_share


def _beyond_made_up(options: Options, history: int) -> bool:
    """Whether a long season was asked for that made-up series, which are not much longer than what
    is read, would hold but once: they would teach not to trust it."""
    seasons = options.seasons
    return bool(seasons) and seasons[-1] > LONGEST_STEP and history < 2 * seasons[-1]


def _made_up(share: float) -> list[str]:
    if share == 1:
        return []
    return [f"few values: {1 - share:.0%} of what is learned from are made-up series"]


def _covariates(panel: Panel) -> dict[str, Any]:
    """The columns of a panel beside its values, as ``Shape`` counts them."""
    spec = panel.covariates
    if not spec:
        return {}
    futr, hist, static = (spec.sizes(names) for names in (spec.ahead, spec.hist, spec.static))
    members = None if not spec.groups else len(spec.members)
    return {"futr": futr, "hist": hist, "static": static, "members": members}


def _step(seasons: tuple[int, ...]) -> int:
    """The shortest season itself; of a long one, the largest divisor that is short enough. Where
    so many steps as may be read would not reach back for the longest season, they are longer:
    several short seasons, another divisor, or a step that divides nothing (251 trading days).

    A year of months is read in quarters: with few years there would be few steps to remember
    (on the ends of the training parts of two sets of monthly series, 2 to 12 % smaller errors).
    """
    season, least = seasons[0], -(-seasons[-1] // (MOST_STEPS - MORE))
    if season == YEAR and seasons[-1] <= 4 * YEAR:
        return YEAR // 4
    if season <= LONGEST_STEP:
        return season * max(-(-least // season), 1)
    divisors = [d for d in range(1, season + 1) if season % d == 0]
    usual = [d for d in divisors if least <= d <= CUT_STEP]
    longer = [d for d in divisors if max(least, CUT_STEP) <= d <= max(2 * least, CUT_STEP)]
    return usual[-1] if usual else longer[0] if longer else max(least, CUT_STEP)


def _steps(panel: Panel, options: Options, seasons: tuple[int, ...], step: int) -> int:
    """Enough for the longest season and a little more; no more than the series have."""
    if options.context:
        return max(options.context // step, 1)
    wanted = max(20 if step < 4 else 14, -(-seasons[-1] // step) + MORE)
    typical = int(np.quantile(panel.lengths, 0.75)) - options.h
    return max(min(wanted, MOST_STEPS, typical // step), 2)


def _unreached(seasons: tuple[int, ...], history: int, options: Options) -> list[str]:
    """What is said of seasons that begin before the observations that are read."""
    far = [f"{season:,}" for season in seasons if season > history]
    if not far:
        return []
    why = f"context={options.context}" if options.context else "the series are too short"
    noun = "season" if len(far) == 1 else "seasons"
    return [f"the {noun} of {' and '.join(far)} cannot be seen in {history:,} observations ({why})"]


def _batch(values: int, steps: int, h: int) -> int:
    """About 900 forecasts in a batch, since every window teaches at each of its steps; fewer
    where there are only some hundred values, which are seen many times in any case, and where
    each forecast is long."""
    share = 1.0 if values > 20_000 else 0.5 if values > 1_000 else 0.25
    share *= min(1.0, LONG / h)
    return int(np.clip(round(share * TAUGHT / steps), 8, 128))


def _width(values: int) -> int:
    """Wider for more data: a network of 32 for a few hundred values, 128 for many thousands."""
    return 128 if values > 50_000 else 64 if values > 2_000 else 32


def _holdout(panel: Panel, h: int) -> tuple[int, int, bool]:
    """(steps, origins, judge): one horizon; of a few series more, so that the score means
    something.

    Of a few series with covariates much more, since these are fingerprints by which a network
    can remember single days: surer of the past than it may be of the future, also of a future
    that is wilder than the last few days. A network is then trained to be judged by that, and
    those that are kept learn from everything.
    """
    origins, length = max(1, 64 // panel.n_series), int(np.median(panel.lengths))
    if origins == 1:
        return h, 1, False
    extra = min(3 * h, length // 8)
    if not panel.covariates:
        return h + extra, min(origins, extra + 1), False
    held = max(h + extra, min(JUDGED * h, length // 3))
    return held, min(2 * origins, max(held // h * 2, 1), held - h + 1), True
