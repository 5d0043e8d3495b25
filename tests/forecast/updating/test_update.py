"""``Forecaster.update``: what arrives, in whatever state it arrives."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.forecast.conftest import make_table, seasonal_series

from carrousel import Forecaster
from carrousel.data import Frequency, load_sample

FAST = {"max_steps": 15, "ensemble": 2, "hidden_size": 8, "num_layers": 1, "batch_size": 16,
        "context": 48}  # fmt: skip
DAYS = [seasonal_series(24 * 8, seed=s, level=50.0 * (s + 1)) for s in range(3)]
TABLE = make_table(DAYS)
CUT = pl.datetime(2024, 1, 7)
OLD, NEW = TABLE.filter(pl.col("ds") < CUT), TABLE.filter(pl.col("ds") >= CUT)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    Forecaster(6, **FAST).fit(OLD).save(path)
    return path


@pytest.fixture
def fitted(model):
    return Forecaster.load(model)


def hours(table):
    return table.partition_by("ds", maintain_order=True)


def close(one, other):
    assert one.select("unique_id", "ds").equals(other.select("unique_id", "ds"))
    for name in one.columns[2:]:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5)


def test_row_by_row_or_all_at_once_or_through_the_disk(model, fitted, tmp_path):
    whole = Forecaster.load(model).update(NEW).predict()
    for rows in hours(NEW)[:30]:
        fitted.update(rows)
    fitted.save(tmp_path)
    again = Forecaster.load(tmp_path)
    for rows in hours(NEW)[30:]:
        again.update(rows)
    close(again.predict(), whole)
    assert again.notes_ == []
    assert again.predict()["ds"].min() == pd.Timestamp("2024-01-09")
    assert again.panel_.lengths.tolist() == [48 + 23] * 3


def test_after_a_fit_as_after_a_load(model):
    fresh = Forecaster(6, **FAST).fit(OLD).update(NEW).predict()
    close(fresh, Forecaster.load(model).update(NEW).predict())


def test_the_forecast_follows_what_came(fitted):
    before = fitted.predict()
    after = fitted.update(NEW).predict()
    truth = [50.0 * (s + 1) + 20 * np.sin(2 * np.pi * np.arange(192, 198) / 24) for s in range(3)]
    assert np.abs(after["carrousel"] - np.concatenate(truth)).max() < 8
    assert after["ds"].min() - before["ds"].min() == pd.Timedelta("2D")
    # What predict() makes of the same values alone differs only by what the state remembers.
    alone = fitted.predict(fitted.panel_)["carrousel"]
    assert np.abs(after["carrousel"] - alone).max() < 5


def test_other_data_neither_uses_nor_changes_the_state(fitted):
    other = make_table([seasonal_series(100, level=1000.0)])
    expected = fitted.predict(other)
    after = fitted.update(NEW).predict()
    close(fitted.predict(other), expected)
    close(fitted.predict(), after)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "csv"])
def test_every_kind_of_table(kind, model, fitted, tmp_path):
    rows = hours(NEW)[0]
    rows.write_csv(tmp_path / "new.csv")
    rows = {"pandas": rows.to_pandas(), "polars": rows, "pyarrow": rows.to_arrow(),
            "csv": tmp_path / "new.csv"}[kind]  # fmt: skip
    close(fitted.update(rows).predict(), Forecaster.load(model).update(hours(NEW)[0]).predict())


def test_gaps_missing_values_and_series_that_lag(model, fitted):
    kept = NEW.filter(~(pl.col("ds").dt.hour().is_in([3, 4]) & (pl.col("unique_id") == "s1")))
    kept = kept.filter((pl.col("unique_id") != "s2") | (pl.col("ds") < pl.datetime(2024, 1, 8)))
    forecast = fitted.update(kept.sample(fraction=1, shuffle=True, seed=1)).predict()
    assert fitted.notes_ == ["4 gaps filled as missing"]
    explicit = NEW.join(kept, on=["unique_id", "ds"], how="left")
    explicit = explicit.select("unique_id", "ds", y="y_right")
    explicit = explicit.filter(
        (pl.col("unique_id") != "s2") | (pl.col("ds") < pl.datetime(2024, 1, 8))
    )
    again = Forecaster.load(model).update(explicit)
    assert again.notes_ == []
    close(forecast, again.predict())
    starts = forecast.group_by("unique_id", maintain_order=True).agg(pl.col("ds").min())["ds"]
    assert starts.dt.day().to_list() == [9, 9, 8]


def test_what_is_known_already_is_skipped(model, fitted):
    overlapping = TABLE.filter(pl.col("ds") >= pl.datetime(2024, 1, 6, 22))
    fitted.update(overlapping)
    assert fitted.notes_ == ["6 rows known already"]
    close(fitted.predict(), Forecaster.load(model).update(NEW).predict())
    with pytest.raises(ValueError, match="two rows for 2024-01-08 23:00 of series 's0'"):
        fitted.update(pl.concat([hours(NEW)[-1]] * 2))
    fitted.update(OLD)
    assert fitted.notes_[0].endswith("left out, older than what is remembered")


def test_late_rows_are_put_in_place(fitted):
    late = (pl.col("unique_id") == "s0") & (pl.col("ds") == pl.datetime(2024, 1, 8, 12))
    fitted.update(NEW.filter(~late))
    assert fitted.notes_ == ["1 gap filled as missing"]
    others = fitted.predict().filter(pl.col("unique_id") != "s0")
    fitted.update(NEW.filter(late))
    assert "1 late row put in place; the memory of 1 series begins again" in fitted.notes_[0]
    close(fitted.predict().filter(pl.col("unique_id") != "s0"), others)
    # Begun again from the window, it is what predict() reads from the same values.
    whole = fitted.predict(fitted.panel_)
    close(*(t.filter(pl.col("unique_id") == "s0") for t in (fitted.predict(), whole)))


def test_new_series_are_refused_or_taken_in(fitted):
    new = make_table([seasonal_series(60, seed=9, level=500.0)]).with_columns(
        unique_id=pl.lit("new")
    )
    with pytest.raises(ValueError, match=r"does not hold series 'new'; take them in with add=True"):
        fitted.update(pl.concat([NEW, new]))
    fitted.update(pl.concat([NEW, new]), add=True)
    assert fitted.notes_ == ["1 new series taken in"]
    forecast = fitted.predict()
    assert forecast["unique_id"].unique(maintain_order=True).to_list() == ["s0", "s1", "s2", "new"]
    close(forecast.filter(pl.col("unique_id") == "new"), fitted.predict(new))
    fitted.update(new.tail(1).with_columns(pl.col("ds") + pl.duration(hours=1)))
    assert fitted.notes_ == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ds": pl.col("ds") + pl.duration(minutes=30)}, "00:30 of series 's0' lies between"),
        ({"ds": pl.col("ds") + pl.duration(days=900)}, "steps after the last known time; is the"),
        ({"ds": pl.lit(3)}, "ds holds whole numbers, the model's times are dates"),
        ({"ds": pl.col("ds").dt.replace_time_zone("UTC")}, "ds has UTC, the model's times have no"),
        ({"ds": pl.col("ds").min()}, "48 rows for 2024-01-07 of series 's0'.*; keep or combine"),
        ({"unique_id": None}, "unique_id: row 1 has no name"),
    ],
)
def test_what_cannot_be_placed_is_refused_and_changes_nothing(change, message, model, fitted):
    change = {k: pl.lit(None, pl.String) if v is None else v for k, v in change.items()}
    with pytest.raises(ValueError, match=message):
        fitted.update(NEW.with_columns(**change))
    close(fitted.predict(), Forecaster.load(model).predict())


def test_one_series_without_a_name():
    table = load_sample("airline").select("ds", "y")
    fitted = Forecaster(12, **FAST).fit(table.head(120)).update(table.tail(24))
    assert str(fitted.predict()["ds"][0]) == "1961-01-01 00:00:00"
    with pytest.raises(ValueError, match="one series without a name; leave the column out"):
        fitted.update(load_sample("airline"))
    named = Forecaster(12, **FAST).fit(load_sample("airline").head(120))
    with pytest.raises(ValueError, match="no column 'unique_id', and the model holds 1 series"):
        named.update(table.tail(24))


def test_time_zones_and_panels():
    from carrousel.data import to_panel

    for zone, every in (("Europe/Paris", "1h"), ("Europe/Paris", "1d")):
        time = pl.datetime_range(
            pl.datetime(2024, 3, 1), pl.datetime(2024, 3, 1).dt.offset_by("70d"), every,
            time_zone=zone, eager=True,
        )  # fmt: skip
        y = seasonal_series(len(time))
        table = pl.DataFrame({"ds": time, "y": y}).tail(400)
        whole, cut = Forecaster(3, **FAST).fit(table.head(len(table) - 20)), len(table) - 20
        forecast = whole.update(table[cut:]).predict()
        expected = to_panel(table)[0].future(3)["ds"]
        naive = forecast["ds"].dt.convert_time_zone("UTC") if every == "1h" else forecast["ds"]
        assert (naive.dt.replace_time_zone(None).to_numpy() == expected).all()


def test_an_update_of_a_panel(fitted, model):
    from carrousel.data import to_panel

    close(fitted.update(to_panel(NEW)[0]).predict(), Forecaster.load(model).update(NEW).predict())


def test_a_model_that_remembers_from_february_on_keeps_the_day_of_the_month(tmp_path):
    """Series of every 30th: what is kept of them begins on a 28th."""
    first = np.datetime64("2020-01-30", "us")
    times = Frequency.parse("1mo").advance(first, np.arange(40))
    y = seasonal_series(40, season=12)
    table = pl.DataFrame({"unique_id": "a", "ds": times, "y": y})
    options = {"freq": "1mo", "max_steps": 1, "ensemble": 1, "context": 12}
    whole = Forecaster(3, **options).fit(table)
    expected = whole.predict()["ds"].to_list()
    for kept in range(1, 14):  # months until what is remembered begins in February
        whole = Forecaster(3, **options).fit(table[: 26 + kept])
        whole.save(tmp_path / str(kept))
        loaded = Forecaster.load(tmp_path / str(kept))
        assert loaded.predict()["ds"].to_list() == whole.predict()["ds"].to_list()
        loaded.update(table[26 + kept :]).save(tmp_path / "again")
        assert Forecaster.load(tmp_path / "again").predict()["ds"].to_list() == expected
