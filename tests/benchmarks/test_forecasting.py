"""The forecasting benchmarks on data made here."""

import numpy as np
import polars as pl
import pytest

from benchmarks import (
    forecasting,
    forecasting_etth1,
    forecasting_peers,
    forecasting_published,
    forecasting_speed,
)
from carrousel.data import to_panel
from carrousel.forecast import QUANTILES


def test_etth1_is_standardized_by_the_part_that_teaches(tmp_path, monkeypatch):
    monkeypatch.setattr(forecasting_etth1, "TRAIN", 50)
    time = pl.datetime_range(pl.datetime(2016, 7, 1), pl.datetime(2016, 7, 5), "1h", eager=True)
    y = np.random.default_rng(0).normal(5, 2, len(time))
    pl.DataFrame({"date": time.cast(str), "a": y, "b": 10 * y}).write_csv(tmp_path / "ETTh1.csv")
    panel = forecasting_etth1.standardized(tmp_path, 80)
    assert panel.lengths.tolist() == [80, 80]
    np.testing.assert_allclose(panel.series(0)[:50].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(panel.series(0)[:50].std(), 1, atol=1e-6)
    np.testing.assert_allclose(panel.series(0), panel.series(1), atol=1e-5)


def test_etth1_looks_at_every_window_of_its_part():
    panel = forecasting_speed.made(2, 100)

    class Last:
        """As now, for ever."""

        def window_quantiles(self, panel, drops):
            last = np.stack([panel.y.reshape(2, -1)[:, 99 - drop] for drop in drops])
            return np.tile(last[..., None, None], (1, 1, 5, len(QUANTILES)))

    mse, mae = forecasting_etth1.errors(Last(), panel, 60, 5, 1)
    y = panel.y.reshape(2, -1).astype(float)
    error = np.concatenate([y[:, t : t + 5] - y[:, t - 1, None] for t in range(60, 96)])
    assert mse == pytest.approx(np.mean(error**2))
    assert mae == pytest.approx(np.mean(np.abs(error)))


def test_scores_are_means_of_the_metrics_of_every_evaluation():
    panel = forecasting_speed.made(2, 100)
    y = panel.y.reshape(2, -1).astype(float)
    known, drops, h = panel.head(10), [10, 5], 5
    quantiles = [np.repeat(y[:, 100 - d : 105 - d, None] + 1, len(QUANTILES), -1) for d in drops]
    found = forecasting.score(panel, known, drops, quantiles, 1)
    scale = np.abs(np.diff(y[:, :90])).mean(1)
    assert found["mase"] == pytest.approx((1 / scale).mean())
    assert found["crps"] == pytest.approx(2 * 2 * h / np.abs(y[:, 90:]).sum())
    assert found["coverage80"] == 0
    assert set(found) == {metric.name for metric in forecasting.METRICS}


def test_speed_speaks_of_a_panel_of_the_size_of_its_values(capsys):
    forecasting_speed.main(["panel"])
    assert float(capsys.readouterr().out.split()[-1]) < 1.5


def test_another_library_forecasts_the_same_windows():
    pytest.importorskip("statsforecast")
    panel, _ = to_panel(pl.DataFrame({"ds": range(60), "y": [float(t % 6) for t in range(60)]}))
    (one, other), _ = forecasting_peers.forecasts("AutoTheta", panel, 6, 6, [12, 6])
    assert one.shape == other.shape == (1, 6, len(QUANTILES))
    assert (np.diff(one) >= 0).all()


def test_published_rows_are_shown_beside_ours(capsys):
    for name in forecasting_published.PUBLISHED:
        assert name in forecasting.SETS
        for method, row in forecasting_published.rows(name).items():
            forecasting.show(name, method, row)
    assert "TiRex" in capsys.readouterr().out
    assert forecasting_published.rows("airline") == {}


def test_channels_of_a_table_are_series(tmp_path):
    text = "date,a,b\n2016-07-01 00:00:00,1.0,2.0\n2016-07-01 01:00:00,3.0,4.0\n"
    (tmp_path / "ETTh1.csv").write_text(text)
    panel, _ = to_panel(forecasting.channels(tmp_path))
    assert panel.ids == ["a", "b"]
    assert panel.y.tolist() == [1, 3, 2, 4]
