"""Whether 95 % intervals hold: benchmarks/coverage.py measures more kinds, and longer."""

import numpy as np
import pytest
from tests.forecast.conftest import make_panel

from carrousel import Forecaster
from carrousel.forecast.network.distribution import QUANTILES

H, LENGTH, SERIES, LEARNED = 7, 300, 300, 60
LOW, HIGH = QUANTILES.index(0.025), QUANTILES.index(0.975)


def made_up(kind):
    rng = np.random.default_rng(5)
    noise = rng.standard_normal((SERIES, LENGTH + H))
    if kind == "walk":
        return 100 + noise.cumsum(1)
    phase = 2 * np.pi * np.arange(LENGTH + H) / 7 + rng.uniform(0, 6, (SERIES, 1))
    return 1e9 + 10 * np.sin(phase) + noise


@pytest.fixture(scope="module", params=["walk", "season"])
def trained(request):
    """Series, and a forecaster that has learned from the first of them."""
    y = made_up(request.param)
    forecaster = Forecaster(H, effort="fast", max_steps=100, nonnegative=False)
    return y, forecaster.fit(make_panel(list(y[:LEARNED, :-H]), "1d"))


def without_end(past, gap):
    past[:, LENGTH - gap :] = np.nan
    return past


SHOWN = {
    "all": lambda past: past,
    **{f"gap of {n}": lambda past, n=n: without_end(past, n) for n in (1, 5, 20, 100, 200)},
    **{f"{n} observations": lambda past, n=n: past[:, -n:] for n in (1, 2, 3, 5, 10)},
}
LONG = ("gap of 100", "gap of 200")


@pytest.mark.parametrize("shown", SHOWN)
def test_intervals_of_95_percent_hold_about_as_often(trained, shown):
    y, forecaster = trained
    past, target = y[LEARNED:, :-H].copy(), y[LEARNED:, -H:]
    quantiles = forecaster.predict_quantiles(make_panel(list(SHOWN[shown](past)), "1d"))
    inside = (target >= quantiles[..., LOW]) & (target <= quantiles[..., HIGH])
    assert inside.mean() >= 0.9
    # Sixty walks hold few moves over a hundred steps: what is measured of them is uncertain.
    assert inside.mean() <= (1.0 if shown in LONG else 0.99)
