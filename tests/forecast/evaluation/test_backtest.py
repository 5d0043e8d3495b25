"""Forecasts of the past, in one pass."""

import numpy as np
import polars as pl
import pytest

from carrousel import Forecaster
from carrousel.forecast.ensemble import training

from ..conftest import make_panel, make_table, seasonal_series

FAST = {"max_steps": 15, "ensemble": 1, "hidden_size": 8, "num_layers": 1, "batch_size": 16,
        "context": 48}  # fmt: skip
UNEQUAL = [seasonal_series(24 * n, seed=n, level=50.0 * n) for n in (6, 9, 12)]


def one_by_one(fitted, panel, drops):
    return np.concatenate([fitted.predict_quantiles(panel, drop).reshape(-1, 11) for drop in drops])


def test_all_windows_in_one_pass_are_the_windows_one_by_one():
    panel = make_panel(UNEQUAL)
    fitted = Forecaster(5, **FAST).fit(panel.head(11))
    quantiles = fitted.window_quantiles(panel, [11, 8, 5])
    assert quantiles.shape == (3, 3, 5, 11)
    np.testing.assert_allclose(quantiles.reshape(-1, 11), one_by_one(fitted, panel, [11, 8, 5]))


def test_windows_stand_where_they_should():
    table = Forecaster(5, **FAST).backtest(make_table(UNEQUAL), 3, step=3, level=[50])
    known = make_table(UNEQUAL)
    assert len(table) == 3 * 3 * 5
    joined = table.join(known, on=["unique_id", "ds"], how="left")
    assert joined["y"].equals(joined["y_right"])
    ends = known.group_by("unique_id", maintain_order=True).agg(pl.col("ds").max())
    for k, drop in enumerate((11, 8, 5)):
        window = table[k * 15 : (k + 1) * 15]
        cut = window.group_by("unique_id", maintain_order=True).agg(pl.col("cutoff").unique())
        expected = ends["ds"] - pl.duration(hours=drop)
        assert cut["cutoff"].explode().equals(ends.select(expected)["ds"], check_names=False)
        assert window["ds"][0] - window["cutoff"][0] == pl.select(pl.duration(hours=1)).item()


@pytest.mark.parametrize("refit", [False, True])
def test_it_learns_once_or_before_each_window(refit, monkeypatch):
    learned = []
    real = training.train_ensemble

    def counting(panel, *arguments, **named):
        learned.append(panel.lengths.tolist())
        return real(panel, *arguments, **named)

    monkeypatch.setattr("carrousel.forecast.forecaster.train_ensemble", counting)
    Forecaster(5, **FAST).backtest(make_panel(UNEQUAL), 2, step=3, refit=refit)
    expected = [[144 - 8, 216 - 8, 288 - 8], [144 - 5, 216 - 5, 288 - 5]]
    assert learned == (expected if refit else expected[:1])


@pytest.mark.parametrize("wrong", [{"windows": 0}, {"windows": 2, "step": 0}])
def test_wrong_windows_are_named(wrong):
    with pytest.raises(ValueError, match=f"{list(wrong)[-1]} must be at least 1, got 0"):
        Forecaster(5, **FAST).backtest(make_panel(UNEQUAL), **wrong)


@pytest.mark.parametrize("kind", ["polars", "pandas"])
def test_utilsforecast_evaluates_the_table(kind):
    evaluation = pytest.importorskip("utilsforecast.evaluation")
    losses = pytest.importorskip("utilsforecast.losses")
    from functools import partial

    table = make_table(UNEQUAL)
    table = table.to_pandas() if kind == "pandas" else table
    past = Forecaster(5, **FAST).backtest(table, 2, level=[80, 95])
    known = table[["unique_id", "ds", "y"]]
    scores = evaluation.evaluate(
        past,
        metrics=[losses.mae, losses.smape, losses.coverage, partial(losses.mase, seasonality=24)],
        level=[80],
        train_df=known,
    )
    scores = scores if kind == "polars" else pl.from_pandas(scores)
    mae = scores.filter(pl.col("metric") == "mae")
    assert set(mae["unique_id"]) == {"s0", "s1", "s2"}
    first = past if kind == "polars" else pl.from_pandas(past)
    first = first.filter(pl.col("unique_id") == "s0")[:5]
    own = (first["carrousel"] - first["y"]).abs().mean()
    told = mae.filter((pl.col("unique_id") == "s0") & (pl.col("cutoff") == first["cutoff"][0]))
    assert told["carrousel"].item() == pytest.approx(own)
