"""Totals equal the sum of their parts, in every kind of frame."""

import numpy as np
import polars as pl
import pytest
from tests.forecast.conftest import make_table, seasonal_series

from carrousel import Forecaster
from carrousel.forecast.adapters.reconcile import reconcile


@pytest.fixture(scope="module")
def hierarchy():
    utils = pytest.importorskip("hierarchicalforecast.utils")  # seconds: not while tests are listed
    table = make_table([seasonal_series(60, 12, seed=s) for s in range(3)])
    table = table.with_columns(pl.lit("all").alias("total")).rename({"unique_id": "shop"})
    return utils.aggregate(table, [["total"], ["total", "shop"]])


@pytest.fixture(scope="module")
def forecaster(hierarchy):
    return Forecaster(4, max_steps=3, ensemble=1).fit(hierarchy[0])


@pytest.mark.parametrize("level", [[], [80, 95]], ids=["medians", "intervals"])
@pytest.mark.parametrize("method", ["bottom_up", "ols", "wls_struct"])
def test_the_parts_add_up(hierarchy, forecaster, method, level):
    _, summing, tags = hierarchy
    plain = forecaster.predict(level=level)
    fixed = reconcile(plain, summing, tags, method)
    assert fixed.columns == plain.columns
    cube = fixed["carrousel"].to_numpy().reshape(4, 4)  # total first
    np.testing.assert_allclose(cube[0], cube[1:].sum(0), rtol=1e-9)
    if method == "bottom_up":
        np.testing.assert_allclose(cube[1:].ravel(), plain["carrousel"][4:])
    for one in level:
        assert (fixed[f"carrousel-lo-{one}"] <= fixed["carrousel"]).all()


def test_unknown_method():
    with pytest.raises(ValueError, match="method must be one of 'bottom_up', 'ols', 'wls_struct'"):
        reconcile(None, None, {}, "best")
