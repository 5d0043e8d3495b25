"""Evaluations: arrays, scores and tables, against another library and against single windows."""

import numpy as np
import polars as pl
import pytest

from carrousel import Forecaster
from carrousel.data import load_sample
from carrousel.forecast import QUANTILES
from carrousel.forecast.evaluation import METRICS, SIMPLE_METHODS, Evaluation
from carrousel.forecast.evaluation.simple_methods import seasonal_naive
from carrousel.forecast.intervals.quantiles import at

from ..conftest import make_panel, make_table, seasonal_series
from .saying import saying

UNEQUAL = [seasonal_series(24 * n, seed=n, level=50.0 * n) for n in (6, 9, 12)]
HIDDEN, H, SEASON = [11, 8, 5], 5, 24
DECILES = np.arange(1, 10) / 10


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Three windows of three series, with values that nobody knows."""
    series = [y.copy() for y in UNEQUAL]
    series[1][-9:-7] = np.nan
    panel = make_panel(series)
    rng = np.random.default_rng(0)
    ours = np.sort(100 + 30 * rng.standard_normal((3, 3, H, len(QUANTILES))), -1)
    return Evaluation.of(
        saying(ours), panel, HIDDEN, seasons=[SEASON], methods=tuple(SIMPLE_METHODS)
    )


def test_shapes_names_and_targets(evaluation):
    assert evaluation.methods == ("carrousel", "seasonal naive (24)", "naive")
    assert {of.shape for of in evaluation.quantiles.values()} == {(3, 3, H, len(QUANTILES))}
    assert set(evaluation.scores) == {*(m.name for m in METRICS), "coverage80", "coverage95"}
    assert {of.shape for of in evaluation.scores.values()} == {(3, 3, 3)}
    y = evaluation.panel.series(2).astype(float)
    np.testing.assert_array_equal(evaluation.targets[:, 2], [y[-11:-6], y[-8:-3], y[-5:]])


def test_simple_methods_see_only_what_was_known(evaluation):
    for w, drop in enumerate(HIDDEN):
        for name, season in (("seasonal naive (24)", SEASON), ("naive", 1)):
            expected = seasonal_naive(evaluation.panel.head(drop), H, season, QUANTILES)
            np.testing.assert_array_equal(evaluation.quantiles[name][w], expected)


def window_frames(evaluation, w, method):
    """One window as another library wants it, with a column for each quantile; and its past."""
    panel, names = evaluation.panel, evaluation.panel.ids
    y, of = evaluation.targets[w], evaluation.quantiles[method][w]
    rows = {"unique_id": np.repeat(names, H), "ds": np.tile(np.arange(H), 3), "y": y.reshape(-1)}
    for p in (0.025, 0.1, *DECILES[1:-1], 0.9, 0.975):
        rows[f"q{p:g}"] = at(of, p).reshape(-1)
    known = [panel.series(s)[: -HIDDEN[w]].astype(float) for s in range(3)]
    past = pl.DataFrame(
        {
            "unique_id": np.repeat(names, [len(k) for k in known]),
            "ds": np.concatenate([np.arange(len(k)) for k in known]),
            "y": np.concatenate(known),
        }
    )
    return pl.DataFrame(rows), past


GAPLESS = [0, 2]  # the series without missing values, which another library does not know


def theirs(metric, df, past):
    from utilsforecast import losses

    if metric == "smape":
        return 200 * losses.smape(df, ["q0.5"])["q0.5"]
    if metric == "mase":
        return losses.mase(df, ["q0.5"], SEASON, past)["q0.5"]
    if metric == "crps":
        names = [f"q{p:g}" for p in DECILES]
        return losses.scaled_crps(df, {"m": names}, DECILES)["m"]
    level = 95 if metric == "msis" else 80
    tail = round(0.5 - level / 200, 6)
    named = df.rename({f"q{tail:g}": f"m-lo-{level}", f"q{1 - tail:g}": f"m-hi-{level}"})
    measure = losses.winkler_score if metric == "msis" else losses.coverage
    return measure(named, ["m"], level)["m"]


@pytest.mark.parametrize("w", [0, 2])
@pytest.mark.parametrize("metric", ["smape", "mase", "crps", "msis", "coverage80"])
def test_scores_are_those_of_another_library(evaluation, metric, w):
    pytest.importorskip("utilsforecast")
    for m, method in enumerate(evaluation.methods):
        df, past = window_frames(evaluation, w, method)
        df, past = (of.filter(pl.col("unique_id") != "s1") for of in (df, past))
        unit = evaluation.scale[w, GAPLESS] if metric == "msis" else 1.0
        found = unit * evaluation.scores[metric][m, w, GAPLESS]
        np.testing.assert_allclose(found, theirs(metric, df, past), rtol=1e-6)


def test_means(evaluation):
    for m, method in enumerate(evaluation.methods):
        mase = evaluation.scores["mase"][m]  # (W, S)
        assert evaluation.means[method]["mase"] == pytest.approx(mase.mean(0).mean())
        np.testing.assert_allclose(evaluation.by_series("mase")[m], mase.mean(0))
        np.testing.assert_allclose(evaluation.by_window("mase")[m], mase.mean(1))


def test_crps_of_all_is_the_ratio_of_sums(evaluation):
    y, known = evaluation.targets, np.isfinite(evaluation.targets)
    for m, method in enumerate(evaluation.methods):
        deciles = np.stack([at(evaluation.quantiles[method], p) for p in DECILES], -1)
        loss = 2 * np.abs((y[..., None] - deciles) * ((y[..., None] <= deciles) - DECILES))
        expected = loss[known].mean(-1).sum() / np.abs(y[known]).sum()
        assert evaluation.means[method]["crps"] == pytest.approx(expected)
        by_step = [loss[:, :, k][known[:, :, k]].mean(-1).sum() / np.nansum(np.abs(y[:, :, k]))
                   for k in range(H)]  # fmt: skip
        np.testing.assert_allclose(evaluation.by_step("crps")[m], by_step)


def test_series_of_zeros_count_in_the_crps_of_all():
    panel = make_panel([np.zeros(20), np.full(20, 2.0)])
    ours = np.ones((1, 2, 4, len(QUANTILES)))
    found = Evaluation.of(saying(ours), panel, [4])
    np.testing.assert_array_equal(found.by_series("crps"), [[np.nan, 0.5]])
    assert found.means["carrousel"]["crps"] == pytest.approx((1 + 1) / 2)
    assert found.means["carrousel"]["mase"] is None  # nothing ever changed


def test_errors_and_coverage_by_step(evaluation):
    y, of = evaluation.targets, evaluation.quantiles["carrousel"]
    error = np.abs(y - at(of, 0.5)) / evaluation.scale[..., None]
    expected = np.nanmean(np.nanmean(error, 0), 0)  # of the windows, then of the series
    np.testing.assert_allclose(evaluation.by_step("mase")[0], expected)
    known = np.isfinite(y[0, :, 0])
    inside = ((y >= at(of, 0.1)) & (y <= at(of, 0.9)))[:, known, 0].mean()
    assert evaluation.by_step("coverage80")[0, 0] == pytest.approx(inside)


def test_tables(evaluation):
    table = evaluation.table()
    assert table["method"].to_list() == list(evaluation.methods)
    assert table["msis"].to_list() == [of["msis"] for of in evaluation.means.values()]
    series = evaluation.table(by="series")
    one = series.filter((pl.col("method") == "naive") & (pl.col("unique_id") == "s1"))
    assert one["crps"].item() == evaluation.by_series("crps")[2, 1]
    windows = evaluation.table(by="window")
    assert windows["window"].to_list() == [1, 2, 3] * 3
    with pytest.raises(ValueError, match="by must be one of 'method', 'series', 'window', got 'x'"):
        evaluation.table(by="x")


def test_the_frame_holds_the_arrays(evaluation):
    frame = evaluation.to_frame()
    assert frame.columns[4:] == [
        "carrousel", "carrousel-lo-80", "carrousel-hi-80", "carrousel-lo-95", "carrousel-hi-95",
        "seasonal naive (24)", "naive",
    ]  # fmt: skip
    shape = evaluation.targets.shape
    np.testing.assert_array_equal(frame["y"].to_numpy().reshape(shape), evaluation.targets)
    low = frame["carrousel-lo-95"].to_numpy().reshape(shape)
    np.testing.assert_array_equal(low, at(evaluation.quantiles["carrousel"], 0.025))
    assert frame["unique_id"][: H + 1].to_list() == ["s0"] * H + ["s1"]


def test_evaluate_forecasts_what_backtest_does():
    forecaster = Forecaster(H, effort="instant")
    evaluation = forecaster.evaluate(make_table(UNEQUAL), 2, step=3, level=[50])
    past = forecaster.backtest(make_table(UNEQUAL), 2, step=3, level=[50])
    assert past.columns[-1] == "carrousel-hi-50"
    assert evaluation.to_frame().select(past.columns).equals(past)
    assert evaluation.verdict
    assert evaluation.scores["mase"].shape == (3, 2, 3)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_what_comes_out_is_the_kind_that_came_in(kind):
    series = load_sample("airline")
    series = series.to_pandas() if kind == "pandas" else series
    evaluation = Forecaster(6, effort="instant").evaluate(series, methods=["naive"])
    for frame in (evaluation.table(), evaluation.table("series"), evaluation.to_frame()):
        assert type(frame).__module__.startswith(kind)
    assert evaluation.methods == ("carrousel", "naive")


def test_unknown_methods_are_refused_before_any_work():
    with pytest.raises(ValueError, match="methods must be some of 'seasonal naive', 'naive', got"):
        Forecaster(H).evaluate("no such file", methods=["drift"])


def test_a_method_of_somebody_else_takes_part(monkeypatch):
    from carrousel.forecast.evaluation import SimpleMethod, simple_methods

    def mean(panel, h, season, probabilities):
        means = [np.nanmean(panel.series(s)) for s in range(panel.n_series)]
        return np.tile(np.array(means)[:, None, None], (1, h, len(probabilities)))

    monkeypatch.setitem(simple_methods.SIMPLE_METHODS, "mean", SimpleMethod(mean))
    panel = make_panel(UNEQUAL)
    evaluation = Forecaster(H, effort="instant").evaluate(panel, methods=["mean"])
    expected = np.abs(UNEQUAL[0][-H:] - UNEQUAL[0][:-H].mean()).mean()
    assert evaluation.scores["mase"][1, 0, 0] * evaluation.scale[0, 0] == pytest.approx(
        expected, rel=1e-5
    )
