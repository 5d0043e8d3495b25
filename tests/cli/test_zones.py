"""Times of a zone through every output of the commands."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel import Forecaster

QUICK = ("--effort", "fast", "--steps", 2)


def written(path, freq, zone, periods=120, start="2024-01-25"):
    naive = pd.date_range(start, periods=periods, freq=freq)
    frame = pd.DataFrame({"when": naive.tz_localize(zone), "y": np.arange(periods) % 7 + 10.0})
    frame.to_csv(path, index=False)
    return frame


@pytest.mark.parametrize(
    ("zone", "freq"), [("UTC", "h"), ("UTC", "D"), ("UTC", "15min"), ("UTC", "250ms")]
)
def test_every_file_has_the_zone(run, tmp_path, zone, freq):
    frame = written(tmp_path / "z.csv", freq, zone)
    options = ("-h", 4, "--time-col", "when", *QUICK)
    result = run("forecast", "z.csv", *options, "--report", "--explain")
    assert (result.code, result.err) == (0, "")
    step = frame["when"].diff().iloc[-1]
    expected = [frame["when"].iloc[-1] + step * k for k in range(1, 5)]
    out = tmp_path / "forecast"
    for name in ("forecast", "backtest", "explanation"):
        table = pd.read_csv(out / f"{name}.csv")
        assert table["when"].str.endswith("+00:00").all(), name
    found = pd.to_datetime(pd.read_csv(out / "forecast.csv")["when"], format="ISO8601")
    assert found.tolist() == expected
    table = pd.read_csv(out / "backtest.csv")
    cutoff = pd.to_datetime(table["cutoff"], format="ISO8601")
    assert cutoff.tolist() == [frame["when"].iloc[-5]] * 4
    assert run("predict", "forecast/model", "z.csv", "--out", "p.parquet").code == 0
    assert pl.read_parquet(tmp_path / "p.parquet")["when"].dtype == pl.Datetime("us", "UTC")
    assert run("update", "forecast/model", "z.csv").code == 0
    assert json.loads((out / "forecast.json").read_text())["freq"]
    parquet = run("forecast", "z.csv", *options, "--parquet", "--out", "q")
    assert parquet.code == 0, parquet.err
    table = pl.read_parquet(tmp_path / "q" / "backtest.parquet")
    assert table["cutoff"].dtype == table["when"].dtype == pl.Datetime("us", "UTC")
    assert run("backtest", "z.csv", *options, "--windows", 2, "--out", "b").code == 0
    assert pl.read_csv(tmp_path / "b" / "backtest.csv")["cutoff"].str.ends_with("+00:00").all()


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_the_cutoff_has_the_zone_of_the_times(kind):
    ds = pd.date_range("2024-03-25", periods=200, freq="h", tz="America/New_York")
    frame = pd.DataFrame({"ds": ds, "y": np.arange(200) % 24.0})
    table = {"pandas": frame, "polars": pl.from_pandas(frame)}.get(kind)
    table = pl.from_pandas(frame).to_arrow() if table is None else table
    past = Forecaster(3, effort="fast", max_steps=2, ensemble=1).backtest(table, 2)
    past = pl.from_pandas(past) if kind == "pandas" else pl.DataFrame(past)
    assert past["cutoff"].dtype == past["ds"].dtype == pl.Datetime("us", "America/New_York")
    assert past["cutoff"].to_list() == [ds[-7]] * 3 + [ds[-4]] * 3
