"""Backtests of many files are those of one table; their scores are summarized."""

import json

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.data.store.test_store import strewn, table

from carrousel import Forecaster
from carrousel.data.store import store
from carrousel.forecast.large import results
from carrousel.training import loop

from .test_predict import OPTIONS, H, contents


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))
    for name in ("TOGETHER", "MOST_SERIES"):
        monkeypatch.setattr(store, name, 4)


@pytest.fixture
def rows():
    return table(series=12, longest=60)


def test_a_backtest_in_parts_is_that_of_the_table(tmp_path, rows):
    """Of series of which some are too short for it."""
    folder, forecaster = strewn(rows, tmp_path / "d"), Forecaster(H, **OPTIONS)
    summary, scores = forecaster.backtest(folder, 6, step=2, out=tmp_path / "out", level=[80])
    long = rows.filter(
        (pl.col("ds").max() - pl.col("ds").min()).dt.total_days().over("unique_id") >= 14
    )
    assert long["unique_id"].n_unique() == summary.series < 12
    expected = forecaster.evaluate(long, 6, step=2, level=[80])
    found = pl.read_parquet(tmp_path / "out" / "backtest" / "*.parquet")
    order = ["cutoff", "unique_id", "ds"]
    found, wanted = found.sort(order), expected.to_frame().sort(order)
    assert_frame_equal(found, wanted, check_exact=True)
    for method, means in expected.means.items():
        assert scores.means[method] == pytest.approx(means, rel=1e-9)
    by_series = expected.by_series("mase")
    for m, name in enumerate(expected.methods[1:], 1):
        assert scores.lost[name] == (by_series[m] < by_series[0]).sum()
    worst = expected.panel.ids[int(np.nanargmax(by_series[0]))]
    assert scores.worst[0]["unique_id"] == worst
    assert scores.sentences[0] == expected.verdict
    groups = scores.groups
    assert (
        sum(row["series"] for row in groups if row["group"].startswith("steps")) == summary.series
    )
    told = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert told["lost"] == scores.lost


def test_a_backtest_that_stopped_goes_on_without_learning_again(tmp_path, rows, monkeypatch):
    folder, forecaster = strewn(rows, tmp_path / "d"), Forecaster(H, **OPTIONS)
    forecaster.backtest(folder, out=tmp_path / "whole")

    def stop(done, blocks):
        raise KeyboardInterrupt

    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        forecaster.backtest(folder, out=out, blocks=stop)
    with pytest.raises(ValueError, match="go on with it by resume"):
        forecaster.backtest(folder, out=out)
    monkeypatch.setattr(loop._State, "update", None)  # it would be an error
    summary, _ = forecaster.backtest(folder, out=out, resume=True)
    assert summary.resumed == 1
    assert contents(out) == contents(tmp_path / "whole")
    assert not (out / results.WORK).exists()


def test_learning_again_before_each_window(tmp_path, rows):
    forecaster = Forecaster(H, effort="instant")
    summary, scores = forecaster.backtest(
        strewn(rows, tmp_path / "d"), 2, out=tmp_path / "out", refit=True, methods=["naive"]
    )
    assert summary.status == "complete"
    assert list(scores.means) == ["carrousel", "naive"]


def test_too_many_series_for_arrays_are_refused(tmp_path, rows, monkeypatch):
    from carrousel.forecast.large import series

    folder, forecaster = strewn(rows, tmp_path / "d"), Forecaster(H, effort="instant")
    monkeypatch.setattr(series, "HELD", 10)
    with pytest.raises(ValueError, match=r"give backtest a folder"):
        forecaster.evaluate(folder)
    with pytest.raises(ValueError, match=r"no series has 1,002 steps"):
        Forecaster(1000, effort="instant").backtest(folder, out=tmp_path / "o")
