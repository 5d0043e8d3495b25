"""A day that a zone left out (Samoa had no 30 December 2011) is no row of any table."""

import numpy as np
import pandas as pd
import pytest

from carrousel import Forecaster
from carrousel.data import to_panel
from carrousel.data.reading import ReadOptions

GONE = {  # the day that clocks left out when the date line moved, by the data base of zones
    "Pacific/Apia": "2011-12-30",
    "Pacific/Fakaofo": "2011-12-30",
    "Pacific/Kwajalein": "1993-08-21",
    "Pacific/Kiritimati": "1994-12-31",
}


def days(zone, freq="D", before=60, after=20):
    """Times that exist, by pandas: those of UTC as the zone shows them."""
    gone = pd.Timestamp(GONE[zone])
    first, last = (gone + pd.Timedelta(days=k) for k in (-before, after - 1))
    naive = pd.date_range(first, last, freq=freq)
    local = naive.tz_localize(zone, nonexistent="NaT", ambiguous="NaT").dropna()
    assert gone not in local.tz_localize(None)
    return pd.DataFrame({"ds": local, "y": np.arange(len(local)) % 7.0 + 1})


@pytest.mark.parametrize("zone", GONE)
@pytest.mark.parametrize("freq", ["D", "6h"])
def test_a_forecast_has_a_row_for_each_time_that_exists(zone, freq):
    table = days(zone, freq)
    known = (table["ds"].dt.tz_localize(None) < GONE[zone]).sum() - 3
    model = Forecaster(14, effort="instant").fit(table[:known])
    found = model.predict()
    assert found["ds"].is_unique
    there = table["ds"][known : known + len(found)]
    assert found["ds"].tolist() == there.tolist()
    paths = model.sample(n=2)
    assert paths.groupby("sample")["ds"].apply(list).tolist() == [there.tolist()] * 2


def test_a_backtest_has_a_row_for_each_day_that_exists():
    table = days("Pacific/Apia")
    found = Forecaster(10, effort="instant").backtest(table, 3)
    assert found["ds"].tolist() == table["ds"][-len(found) :].tolist()
    assert found["y"].tolist() == table["y"][-len(found) :].tolist()
    assert found["y"].notna().all()


@pytest.mark.parametrize("fill", ["zero", "missing"])
def test_nothing_was_sold_on_no_day(fill):
    table = days("Pacific/Apia").drop(index=5)
    panel, _ = to_panel(table, reading=ReadOptions(fill=fill))
    assert np.isnan(panel.y).sum() == (1 if fill == "zero" else 2)
    assert (panel.y == 0).sum() == (1 if fill == "zero" else 0)


def test_no_future_value_is_asked_for_a_day_that_does_not_exist():
    table = days("Pacific/Apia").assign(price=lambda t: np.arange(len(t)) % 3.0)
    options = {"effort": "fast", "max_steps": 5, "ensemble": 1, "hidden_size": 8}
    model = Forecaster(7, futr_exog=["price"], **options).fit(table[:60])
    found = model.predict(X_df=table[60:].drop(columns="y"))
    assert found["ds"].tolist() == table["ds"][60:66].tolist()
    assert np.isfinite(found["carrousel"]).all()
