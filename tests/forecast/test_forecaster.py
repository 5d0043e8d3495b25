"""The forecaster as its users meet it."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.data import load_sample, to_panel
from carrousel.forecast import QUANTILES

from .conftest import make_panel, make_table, seasonal_series

FAST = {"max_steps": 30, "ensemble": 1, "hidden_size": 8, "num_layers": 1, "batch_size": 16}
DAYS = [seasonal_series(24 * 12, seed=s, level=50.0 * (s + 1)) for s in range(3)]


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(30, **FAST).fit(make_table(DAYS))


def test_the_forecast_of_a_daily_rhythm_follows_it(fitted):
    table = fitted.predict(level=[80, 95])
    assert table.columns == [
        "unique_id", "ds", "carrousel",
        "carrousel-lo-80", "carrousel-hi-80", "carrousel-lo-95", "carrousel-hi-95",
    ]  # fmt: skip
    truth = [50.0 * (s + 1) + 20 * np.sin(2 * np.pi * np.arange(288, 318) / 24) for s in range(3)]
    assert np.abs(table["carrousel"] - np.concatenate(truth)).max() < 6
    assert table["ds"].min() == pd.Timestamp("2024-01-13")
    assert table["unique_id"].to_list() == ["s0"] * 30 + ["s1"] * 30 + ["s2"] * 30


def test_wider_levels_hold_narrower_ones(fitted):
    levels = [10, 50, 80, 90, 95, 99, 99.9]
    table = fitted.predict(level=levels)
    edges = [f"carrousel-lo-{v:g}" for v in reversed(levels)]
    edges += ["carrousel", *(f"carrousel-hi-{v:g}" for v in levels)]
    assert (np.diff(table.select(edges).to_numpy()) > 0).all()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "ann"])
def test_every_cell_fits_predicts_and_comes_back_from_disk(cell, tmp_path):
    forecaster = Forecaster(5, cell, **FAST).fit(make_table(DAYS))
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.predict().equals(forecaster.predict())
    assert loaded.get_params() == forecaster.get_params()


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_the_kind_that_came_in_goes_out(kind):
    table = make_table(DAYS)
    frame = {"pandas": table.to_pandas, "polars": lambda: table, "pyarrow": table.to_arrow}[kind]()
    forecaster = Forecaster(3, **FAST).fit(frame)
    assert type(forecaster.predict()) is type(frame)
    assert type(forecaster.predict(frame)) is type(frame)
    assert type(forecaster.backtest(frame)) is type(frame)


def test_paths_and_other_column_names(tmp_path):
    table = make_table(DAYS).rename({"unique_id": "shop", "ds": "when", "y": "sales"})
    names = {"id_col": "shop", "time_col": "when", "target_col": "sales"}
    results = []
    for path in (tmp_path / "a.csv", tmp_path / "a.parquet"):
        table.write_csv(path) if path.suffix == ".csv" else table.write_parquet(path)
        results.append(Forecaster(3, **names, **FAST).fit(path).predict())
    assert results[0].columns[:3] == ["shop", "when", "carrousel"]
    assert results[0].equals(results[1])


def test_one_series_needs_no_name():
    table = load_sample("airline").select("ds", "y")
    forecast = Forecaster(12, **FAST).fit(table).predict(level=[])
    assert forecast.columns == ["ds", "carrousel"]
    assert str(forecast["ds"][0]) == "1961-01-01 00:00:00"


def test_new_observations_need_no_refit(fitted):
    new = [seasonal_series(24 * 9 + k, seed=7, level=1000.0) for k in range(2)]
    table = fitted.predict(make_table(new), level=[80])
    assert len(table) == 60
    assert table["carrousel"].is_between(960, 1040).all()
    with pytest.raises(ValueError, match="freq too short"):
        fitted.predict(make_table(new, "1d"))
    with pytest.raises(ValueError, match="hourly series, the data is daily"):
        fitted.predict(make_panel(new, "1d"))


def test_a_backtest_sees_nothing_of_what_it_forecasts():
    table = make_table(DAYS)
    forecaster = Forecaster(5, **FAST)
    one = forecaster.backtest(table, windows=2, step=3)
    last = table.group_by("unique_id", maintain_order=True).tail(5).select("unique_id", "ds")
    spoilt = table.join(last.with_columns(hit=True), on=["unique_id", "ds"], how="left")
    spoilt = spoilt.with_columns(y=pl.when("hit").then(1e6).otherwise("y")).drop("hit")
    two = forecaster.backtest(spoilt, windows=2, step=3)
    assert one["carrousel"].equals(two["carrousel"])
    assert one.columns[:5] == ["unique_id", "ds", "cutoff", "y", "carrousel"]
    assert len(one) == 2 * 3 * 5
    known = one.join(table, on=["unique_id", "ds"])
    assert known["y"].equals(known["y_right"])
    assert not hasattr(forecaster, "networks_")  # left as it was


def test_a_backtest_without_refit_is_a_fit_before_the_first_cutoff():
    panel = make_panel(DAYS)
    table = Forecaster(5, **FAST).backtest(panel, windows=2)
    fitted = Forecaster(5, **FAST).fit(panel.head(10))
    # Twice as many windows at once may round differently.
    np.testing.assert_allclose(table["carrousel"][:15], fitted.predict()["carrousel"], rtol=1e-6)
    later = fitted.predict(panel.head(5))["carrousel"]
    np.testing.assert_allclose(table["carrousel"][15:], later, rtol=1e-6)


def test_global_random_state_is_untouched():
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    expected = torch.rand(2), np.random.rand(2)  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    Forecaster(3, **FAST).fit(make_panel(DAYS))
    assert torch.equal(torch.rand(2), expected[0])
    assert (np.random.rand(2) == expected[1]).all()  # noqa: NPY002


def test_the_same_seed_gives_the_same_forecast_and_another_another():
    panel = make_panel(DAYS)
    one, two, other = (
        Forecaster(3, seed=s, **FAST).fit(panel).predict()["carrousel"] for s in (1, 1, 2)
    )
    assert one.equals(two)
    assert not one.equals(other)


def test_a_killed_fit_resumes_to_the_same_forecast(tmp_path):
    panel, options = make_panel(DAYS), {**FAST, "max_steps": 250, "ensemble": 2, "context": 48}
    expected = Forecaster(3, **options).fit(panel).predict()

    class Killed(Exception):
        pass

    def kill(name, progress):
        if name == "network 1 of 2" and progress.step == 230:
            raise Killed

    with pytest.raises(Killed):
        Forecaster(3, **options).fit(panel, progress=kill, checkpoint=tmp_path)
    resumed = Forecaster(3, **options).fit(panel, checkpoint=tmp_path, resume=True)
    assert resumed.predict().equals(expected)


def test_params_are_scikit_learns():
    forecaster = Forecaster(12, cell="gru", hidden_size=8)
    params = forecaster.get_params()
    assert Forecaster(**params).get_params() == params
    assert forecaster.set_params(h=6) is forecaster
    assert forecaster.get_params()["h"] == 6
    assert repr(forecaster) == "Forecaster(6, cell='gru', hidden_size=8)"


def test_scikit_learn_clones_it():
    base = pytest.importorskip("sklearn.base")
    forecaster = Forecaster(12, "gru", season_length=[24, 168], hidden_size=8)
    copy = base.clone(forecaster)
    assert copy is not forecaster
    assert copy.get_params() == forecaster.get_params()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"h": 0}, ValueError, "h must be at least 1, got 0"),
        ({"h": 2.5}, TypeError, "h must be a whole number, got 2.5"),
        ({"h": 3, "cell": "transformer"}, ValueError, "cell must be one of 'lstm', 'gru', 'rnn'"),
        (
            {"h": 3, "effort": "much"},
            ValueError,
            "effort must be one of 'instant', 'fast', 'default', 'best'",
        ),
        ({"h": 3, "width": 3}, TypeError, "no option 'width'; there are h, cell, freq"),
        ({"h": 3, "learning_rate": -1}, ValueError, "learning_rate must be positive"),
    ],
)
def test_wrong_options_are_named(options, error, message):
    with pytest.raises(error, match=message):
        Forecaster(**options)


def test_wrong_calls_say_what_to_do(fitted):
    with pytest.raises(RuntimeError, match=r"call fit\(data\)"):
        Forecaster(3).predict()
    with pytest.raises(ValueError, match="level must hold percentages between 0 and 100, got 100"):
        fitted.predict(level=[100])
    with pytest.raises(ValueError, match="windows must be at least 1"):
        Forecaster(3, **FAST).backtest(make_table(DAYS), windows=0)
    with pytest.raises(ValueError, match="'s1' has 4"):
        Forecaster(3, **FAST).backtest(make_panel([DAYS[0], DAYS[1][:4]]))
    with pytest.raises(ValueError, match="at least 2 observations, but 's0' has 1"):
        Forecaster(3, **FAST).fit(make_panel([DAYS[0][:1]]))


def test_damaged_models_are_refused(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match="no model"):
        Forecaster.load(tmp_path)
    fitted.save(tmp_path)
    description = tmp_path / "model.json"
    (weights,) = tmp_path.glob("*.safetensors")
    whole, text = weights.read_bytes(), description.read_text(encoding="utf-8")
    weights.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match="truncated"):
        Forecaster.load(tmp_path)
    weights.write_bytes(whole)
    description.write_text(text[:100], encoding="utf-8")
    with pytest.raises(ValueError, match="truncated"):
        Forecaster.load(tmp_path)
    newer = {**json.loads(text), "format": 99}
    description.write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(ValueError, match=r"format 99.*update carrousel"):
        Forecaster.load(tmp_path)


def test_a_model_holds_no_code_and_only_the_history_it_needs(fitted, tmp_path):
    fitted.save(tmp_path)
    weights = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))["weights"]
    assert {p.name for p in tmp_path.iterdir()} == {weights, "model.json", "README.md"}
    description = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert description["quantiles"] == list(QUANTILES)
    shape = fitted.networks_[0].shape
    kept = shape.history + shape.patch - 1  # a window for each way to end a day
    assert Forecaster.load(tmp_path).panel_.lengths.max() <= kept < len(DAYS[0])


def test_notes_say_what_was_done_to_the_table():
    table = make_table(DAYS).filter(pl.col("ds").dt.day() != 3)
    forecaster = Forecaster(3, **FAST).fit(table)
    assert any("gap" in note for note in forecaster.notes_)
    assert to_panel(table)[0].n_series == 3


def test_verbose_says_what_was_chosen(capsys):
    Forecaster(3, verbose=True, **FAST).fit(make_panel(DAYS))
    assert "carrousel: 24 observations in a season" in capsys.readouterr().err
