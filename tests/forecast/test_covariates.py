"""Covariates: what is known is used, what is not known is not, and errors say what is missing."""

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.data import to_panel
from carrousel.data.calendar import calendar_columns, fitting_parts, holiday_columns
from carrousel.data.covariates import Spec, attach, future
from carrousel.data.frequency import Frequency
from carrousel.forecast.network.covariates import Columns, Exogenous, _places
from carrousel.forecast.network.network import Network
from carrousel.forecast.network.shape import Shape

H = 6


def table(n=240, series=2, seed=0):
    """Daily series moved by a promotion that is known ahead, by noise otherwise."""
    rng, parts = np.random.default_rng(seed), []
    for s in range(series):
        promotion = (rng.random(n) < 0.3).astype(float)
        parts.append(
            pl.DataFrame(
                {
                    "unique_id": [f"s{s}"] * n,
                    "ds": np.datetime64("2024-01-01", "us") + np.arange(n).astype("m8[D]"),
                    "y": 100 + 40 * promotion + rng.standard_normal(n),
                    "promotion": promotion,
                    "weather": np.where(rng.random(n) < 0.5, "sun", "rain"),
                    "visits": rng.standard_normal(n),
                    "size": float(s),
                    "region": "north" if s % 2 else "south",
                }
            )
        )
    return pl.concat(parts)


def split(frame):
    """(what is known, the last H steps of each series)."""
    last = frame.group_by("unique_id", maintain_order=True).tail(H)
    return frame.join(last, on=["unique_id", "ds"], how="anti", maintain_order="left"), last


ALL = {
    "futr_exog": ["promotion", "weather"],
    "hist_exog": ["visits"],
    "static_exog": ["size", "region"],
}


@pytest.fixture(scope="module")
def fitted():
    known, _ = split(table())
    return Forecaster(H, max_steps=8, ensemble=1, calendar=True, **ALL).fit(known)


def test_what_is_known_ahead_lowers_the_error():
    known, last = split(table())
    errors = {}
    for name, columns in {"with": {"futr_exog": ["promotion"]}, "without": {}}.items():
        forecaster = Forecaster(H, max_steps=120, ensemble=1, hidden_size=16, **columns).fit(known)
        X_df = last.drop("y") if columns else None
        found = forecaster.predict(X_df=X_df)
        errors[name] = (found["carrousel"] - last["y"]).abs().mean()
    assert errors["with"] < 0.35 * errors["without"]


def test_forecasts_follow_the_future_values(fitted):
    _, last = split(table())
    usual = fitted.predict(X_df=last)
    with torch.no_grad():
        fitted.networks_[0].covariates.coming.said.weight.normal_()  # as after a long training
    now = fitted.predict(X_df=last)
    changed = last.with_columns(promotion=1 - pl.col("promotion"))
    other = fitted.predict(X_df=changed)
    assert not np.allclose(usual["carrousel"], now["carrousel"])
    assert (now["carrousel"] - other["carrousel"]).abs().min() > 0
    shuffled = last.sample(fraction=1.0, shuffle=True, seed=1)
    earlier = pl.concat([shuffled, table().head(30)]).unique(["unique_id", "ds"])
    assert fitted.predict(X_df=earlier).equals(now)


def test_quantiles_of_a_panel_follow_the_future_values_too(fitted):
    _, last = split(table())
    panel, ahead = fitted.panel_, last.with_columns(promotion=1.0)
    expected = fitted.predict(panel, level=[80], X_df=ahead)["carrousel"].to_numpy()
    for found in (
        fitted.predict_quantiles(X_df=ahead),
        fitted.predict_quantiles(panel, X_df=ahead),
    ):
        np.testing.assert_array_equal(found[..., 5].reshape(-1), expected)
    with pytest.raises(ValueError, match="X_df: the model uses columns that are known ahead"):
        fitted.predict_quantiles(panel)
    fitted.predict_quantiles(panel, H)  # what was known of these steps stands in the panel
    whole, _ = to_panel(table().select("unique_id", "ds", "y"))
    days = Forecaster(H, max_steps=8, ensemble=1, calendar=("weekday",)).fit(whole)
    of_panel = days.predict_quantiles(days.panel_)
    np.testing.assert_array_equal(of_panel, days.predict_quantiles())


def test_a_backtest_takes_future_values_from_the_table():
    found = Forecaster(H, max_steps=3, ensemble=1, **ALL).backtest(table(), 2)
    assert found.shape[0] == 2 * 2 * H
    assert found["carrousel"].is_finite().all()


def test_saved_models_know_their_covariates(fitted, tmp_path):
    known, last = split(table())
    fitted.save(tmp_path / "m")
    again = Forecaster.load(tmp_path / "m")
    assert again.predict(X_df=last).equals(fitted.predict(X_df=last))
    one = known.filter(pl.col("unique_id") == "s1").with_columns(unique_id=pl.lit("new"))
    ahead = last.filter(pl.col("unique_id") == "s1").with_columns(unique_id=pl.lit("new"))
    alone = again.predict(one, X_df=ahead)["carrousel"]
    np.testing.assert_allclose(alone, fitted.predict(X_df=last)["carrousel"][H:], rtol=1e-5)
    strange = ahead.with_columns(weather=pl.lit("snow"))
    with pytest.raises(ValueError, match="'weather' has no known value for series 'new'"):
        again.predict(one, X_df=strange)


def test_samples_explanations_and_calibration(fitted):
    _, last = split(table())
    assert fitted.sample(n=3, X_df=last).shape[0] == 2 * 3 * H
    found = fitted.explain("s1", step=2, X_df=last)
    expected = fitted.predict(X_df=last)["carrousel"][H + 1]
    assert found.forecast == pytest.approx(expected, rel=1e-5)
    fitted.calibrate(windows=2)
    assert fitted.predict(X_df=last)["carrousel"][H + 1] == pytest.approx(expected, rel=1e-6)


def test_nothing_changes_without_covariates():
    plain = Network(Shape(H, "lstm", 7, 4, (7,), 8, 1))
    assert plain.covariates is None
    assert not any("covariates" in name for name in plain.state_dict())


@pytest.mark.parametrize("options", [{"futr_exog": ["weather"]}, {"hist_exog": ["visits"]},
                                     {"static_exog": ["region"]}, {"calendar": ["weekday"]}],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("cell", ["gru", "ann"])
def test_each_kind_alone(options, cell):
    known, last = split(table(90))
    forecaster = Forecaster(H, cell, max_steps=2, ensemble=1, **options).fit(known)
    assert forecaster.predict(X_df=last)["carrousel"].is_finite().all()


@pytest.mark.parametrize(("options", "message"), [
    ({"futr_exog": ["price"]}, "futr_exog: there is no column 'price'; the columns are"),
    ({"static_exog": ["visits"]}, "static_exog: 'visits' changes within series 's0', 's1'"),
    ({"futr_exog": ["visits"], "hist_exog": ["visits"]}, "'visits' is listed more than once"),
    ({"calendar": ["moon"]}, "calendar must be one of 'hour', .*, 'month', got 'moon'"),
])  # fmt: skip
def test_columns_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        Forecaster(H, max_steps=2, **options).fit(table(60))


def test_missing_future_values_are_named(fitted):
    _, last = split(table())
    with pytest.raises(ValueError, match=r"X_df: the model uses columns that are known ahead"):
        fitted.predict()
    with pytest.raises(ValueError, match=r"'s1' at 2024-08-27 \(and 1 more value"):
        fitted.predict(X_df=last.head(2 * H - 1))
    with pytest.raises(ValueError, match="X_df: there is no column 'promotion'"):
        fitted.predict(X_df=last.drop("promotion"))
    with pytest.raises(ValueError, match="a Panel has no columns"):
        Forecaster(H, futr_exog=["promotion"]).fit(to_panel(table(60))[0])
    with pytest.raises(TypeError, match="futr_exog must be a list of names"):
        Forecaster(H, futr_exog="promotion")


def test_values_stand_where_their_times_say():
    frame = pl.DataFrame(
        {
            "unique_id": ["b", "a", "a", "b", "a"],
            "ds": [3, 5, 1, 4, 2],
            "y": [1.0, 2, 3, 4, 5],
            "x": [30.0, None, 10, 40, 20],
            "kind": ["u", "v", "", "u", "w"],
        }
    )
    panel, _ = to_panel(frame)  # a: 1 2 . . 5, b: 3 4 (in order of appearance: b first)
    panel, notes = attach(panel, frame, Spec(("x",), ("kind",)), "unique_id")
    np.testing.assert_array_equal(panel.exog[:, 0], [30, 40, 10, 20, 20, 20, 20])
    np.testing.assert_array_equal(panel.exog[:, 1], [0, 0, np.nan, 2, 2, 2, 1])
    assert panel.covariates.categories == {"kind": ("u", "v", "w")}
    assert notes == ["5 covariates filled with the value before"]
    tail = panel.head(1).tail(2)
    np.testing.assert_array_equal(tail.exog[:, 0], [30, 20, 20])
    np.testing.assert_array_equal(panel.select([1]).exog[:, 0], [10, 20, 20, 20, 20])
    ahead = future(panel, pl.DataFrame({"unique_id": ["a", "b"], "ds": [6, 5], "x": [7.0, 8]}),
                   "unique_id", 1)  # fmt: skip
    np.testing.assert_array_equal(ahead[:, :, 0], [[8], [7]])


def test_windows_see_ahead_only_what_is_known_ahead():
    values = torch.arange(20.0).repeat(2, 1).T.contiguous()  # column 0 known ahead, column 1 past
    exogenous = Exogenous(values, 1, torch.zeros(1, 0), torch.tensor([0]), torch.tensor([20]))
    ahead = exogenous.following(torch.tensor([[[100.0], [101.0]]]))
    extra = ahead.gather(torch.tensor([0, 0]), torch.tensor([20, 1]), 3, 2)
    np.testing.assert_array_equal(extra.futr[0, :, 0], [17, 18, 19, 100, 101])
    np.testing.assert_array_equal(extra.futr[1, :, 0], [np.nan, np.nan, 0, 1, 2])
    np.testing.assert_array_equal(extra.hist[0, :, 0], [17, 18, 19])
    assert exogenous.gather(torch.tensor([0]), torch.tensor([20]), 3, 2).futr[0, 3:].isnan().all()


def test_places_of_the_steps_that_are_copied():
    shape = Shape(5, "lstm", 2, 4, (2, 6), 8, 1)
    target, short, long = _places(shape, 1)
    assert target.tolist() == [[8, 9, 10, 11, 12]]
    assert short.tolist() == [[6, 7, 6, 7, 6]]
    assert long.tolist() == [[2, 3, 4, 5, 6]]


def test_numbers_in_deviations_and_categories_embedded():
    columns = Columns((0, 3))
    columns.measure(torch.tensor([[1.0, 0], [3.0, 1], [float("nan"), 2]]))
    found = columns(torch.tensor([[1.0, 0], [float("nan"), float("nan")], [1e9, 2]]))
    assert found.shape == (3, columns.width)
    assert found[:, 0].tolist() == [-1, 0, 8]
    torch.testing.assert_close(found[1, 1:], columns.embeddings[0].weight[0])


def test_calendar_and_holidays():
    times = np.array(["2024-01-01", "2024-07-03T12:00", "2024-12-25"], "M8[us]")
    found = calendar_columns(times, ["hour", "weekday"])
    np.testing.assert_allclose(found[:, :2], [[0, 1], [0, -1], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(found[0, 2:], [0, 1], atol=1e-6)  # a Monday
    assert fitting_parts(Frequency.parse("1h")) == ("hour", "weekday", "monthday", "month")
    assert fitting_parts(Frequency.parse("1mo")) == ("month",)
    assert fitting_parts(Frequency.parse("1y")) == ()
    with pytest.raises(ValueError, match="whole numbers"):
        fitting_parts(Frequency.parse(1))
    pytest.importorskip("holidays")
    days = np.datetime64("2024-12-24", "us") + np.arange(5).astype("m8[D]")
    np.testing.assert_array_equal(holiday_columns(days, "DE")[:, 0], [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(holiday_columns(days, "DE")[:, 1], [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(holiday_columns(days, "DE")[:, 2], [0, 0, 1, 1, 0])
    with pytest.raises(ValueError, match="holidays: 'XX' is not known"):
        holiday_columns(days, "XX")
