"""The adapter, by sktime's own checks and beside the forecaster itself."""

import os

import numpy as np
import pandas as pd
import pytest

from carrousel import Forecaster
from carrousel.data import to_panel

SMALL = {"max_steps": 5, "ensemble": 1, "hidden_size": 4, "num_layers": 1}
DAYS = pd.period_range("2024-01-01", periods=60, freq="D")


def made(**options):
    """The adapter; sktime takes seconds to import, which are not spent where tests are listed."""
    pytest.importorskip("sktime")
    from carrousel.forecast.adapters.sktime import CarrouselForecaster

    return CarrouselForecaster(**options)


def wave(level, index=DAYS):
    return pd.Series(level + np.sin(np.arange(len(index)) * 2 * np.pi / 7), index, name="sold")


def long(**series):
    """A frame indexed by (shop, day)."""
    return pd.concat(series, names=["shop", "day"]).to_frame()


@pytest.mark.parametrize("index", [
    DAYS, DAYS.to_timestamp(), pd.RangeIndex(5, 65),
    pd.period_range("2020-01", periods=60, freq="M"), pd.date_range("2024", periods=60, freq="h"),
    pd.date_range("2020-01-31", periods=60, freq="ME"),
], ids=lambda index: f"{type(index).__name__} {getattr(index, 'freqstr', '')}")  # fmt: skip
def test_every_index_goes_on_in_its_own_kind(index):
    y = wave(10.0, index)
    forecast = made(**SMALL).fit(y[:-3], fh=[1, 3]).predict()
    assert forecast.name == "sold"
    assert forecast.index.tolist() == [index[-3], index[-1]]


def test_the_numbers_are_the_forecasters():
    frame = long(a=wave(10.0), b=wave(50.0))
    adapter = made(**SMALL).fit(frame, fh=[1, 2])
    table = frame.reset_index().rename(columns={"shop": "unique_id", "day": "ds", "sold": "y"})
    table["ds"] = table["ds"].dt.to_timestamp()
    expected = Forecaster(2, **SMALL).fit(table).predict(level=[90])
    got = adapter.predict()
    assert got.index.names == ["shop", "day"]
    np.testing.assert_array_equal(got["sold"], expected["carrousel"])
    bands = adapter.predict_interval(coverage=0.9)["sold"][0.9]
    np.testing.assert_allclose(bands["lower"], expected["carrousel-lo-90"])
    np.testing.assert_allclose(bands["upper"], expected["carrousel-hi-90"])


def test_update_carries_the_states_on_and_takes_new_series_in():
    frame = long(a=wave(10.0), b=wave(50.0))
    times = frame.index.get_level_values(-1)
    old, new = frame[times < DAYS[-10]], frame[times >= DAYS[-10]]
    adapter = made(**SMALL).fit(old, fh=[1, 2]).update(new, update_params=False)
    own = Forecaster(2, **SMALL)
    tables = [
        part.reset_index(names=["unique_id", "ds"]).assign(ds=lambda t: t["ds"].dt.to_timestamp())
        for part in (old, new)
    ]
    first, second = (table.rename(columns={"sold": "y"}) for table in tables)
    expected = own.fit(first).update(to_panel(second)[0]).predict()["carrousel"]
    np.testing.assert_allclose(adapter.predict()["sold"], expected, rtol=1e-6)
    adapter.update(long(c=wave(100.0)), update_params=False)
    assert adapter.predict().index.get_level_values(0).tolist() == ["a", "a", "b", "b", "c", "c"]


def test_series_that_end_early_are_forecast_from_the_same_day():
    frame = long(a=wave(10.0), b=wave(50.0)[:-4])
    forecast = made(**SMALL).fit(frame, fh=[1]).predict()
    assert (forecast.index.get_level_values(-1) == DAYS[-1] + 1).all()
    assert abs(forecast["sold"].iloc[1] - 50) < 3


FEW = [
    "test_constructor", "test_clone", "test_get_params", "test_set_params", "test_fit_idempotent",
    "test_fit_updates_state", "test__y_remember_data",
    "test_doctest_examples", "test_persistence_via_pickle",
    "test_hierarchical_with_exogeneous",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # of sktime's and pandas' own deprecations
def test_sktimes_own_checks():
    """A dozen of sktime's 890 checks; all of them with CARROUSEL_SKTIME=all (some minutes)."""
    adapter = type(made())
    from sktime.utils.estimator_checks import check_estimator

    chosen = None if os.environ.get("CARROUSEL_SKTIME") == "all" else FEW
    results = check_estimator(adapter, tests_to_run=chosen, verbose=False)
    assert len(results) >= 10
    assert set(results.values()) == {"PASSED"}


def test_a_series_that_ends_with_missing_values_is_forecast_from_the_cutoff():
    index = pd.period_range("2020-01", periods=36, freq="M")
    y = pd.Series([*map(float, range(31)), *[float("nan")] * 5], index)
    forecaster = made(max_steps=1, ensemble=1, hidden_size=2)
    assert forecaster.fit(y, fh=[1, 2]).predict().index.astype(str).tolist() == [
        "2023-01",
        "2023-02",
    ]
    assert forecaster._forecaster.panel_.lengths.tolist() == [36]
