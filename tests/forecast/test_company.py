"""A forecast does not depend on what else is forecast, to the last bit."""

import numpy as np
import polars as pl
import pytest

from carrousel import Forecaster

H = 3
KINDS = {
    "trained": {"ensemble": 2, "pretrained_share": 0},
    "a network without the loop": {"ensemble": 1, "cell": "ann", "pretrained_share": 0},
    "beside the one that ships": {"ensemble": 1, "pretrained_share": 0.4},
    "with covariates": {"ensemble": 1, "futr_exog": ["x"]},
    "narrow": {"ensemble": 1, "hidden_size": 8, "season_length": 7, "pretrained_share": 0},
    "narrow, without the loop": {
        "ensemble": 1,
        "hidden_size": 7,
        "cell": "ann",
        "season_length": 7,
        "pretrained_share": 0,
    },
    "narrow, with covariates": {
        "ensemble": 1,
        "hidden_size": 7,
        "season_length": 7,
        "futr_exog": ["x"],
    },
    "the one that ships": {"effort": "instant"},
}


def _table(series: int) -> pl.DataFrame:
    """Of many lengths, some with holes, some that end in a gap."""
    rng, parts = np.random.default_rng(3), []
    for s in range(series):
        n = int(rng.integers(20, 120))
        y = 20 + 3 * np.sin(np.arange(n) * np.pi / 6 + s) + rng.normal(0, 0.3, n).cumsum()
        y[rng.random(n) < 0.05 * (s % 3)] = np.nan
        y[n - s % 4 % 3 :], y[:2] = np.nan, 20.0
        parts.append(pl.DataFrame({"unique_id": [s] * n, "ds": range(n), "y": y}))
    table = pl.concat(parts)
    return table.with_columns(x=(pl.col("ds") % 5).cast(pl.Float64))


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_is_the_same_in_any_company(kind):
    few = {} if kind == "the one that ships" else {"max_steps": 3, "hidden_size": 16}
    how = {"freq": 1, "season_length": 12, **few, **KINDS[kind]}
    table = _table(70)
    ahead = pl.concat(
        group.tail(1).select("unique_id", pl.int_ranges("ds", pl.col("ds") + 4).alias("ds"))
        .explode("ds").with_columns(x=(pl.col("ds") % 5).cast(pl.Float64))
        for _, group in table.group_by("unique_id", maintain_order=True)
    )  # fmt: skip
    forecaster = Forecaster(H, **how).fit(table)

    def forecast(some: range) -> pl.DataFrame:
        shown, known = (of.filter(pl.col("unique_id").is_in(some)) for of in (table, ahead))
        return forecaster.predict(shown, X_df=known if "futr_exog" in how else None)

    together = forecast(range(70))
    for size in (1, 2, 5, 33):
        for first in (0, 31):
            some = range(first, first + size)
            alone = together.filter(pl.col("unique_id").is_in(some))
            assert forecast(some).equals(alone), (size, first)
