"""Columns of times that hold offsets from UTC, as pandas writes zoned times."""

from datetime import timezone

import numpy as np
import pandas as pd
import pytest

from carrousel import Forecaster
from carrousel.data import ReadOptions, to_panel

CHANGED = [
    "Africa/Cairo", "America/New_York", "America/Sao_Paulo", "America/St_Johns",
    "Australia/Lord_Howe", "Europe/Athens", "Europe/Berlin", "Europe/London", "Pacific/Chatham",
]  # fmt: skip


def exported(path, zone, first="2018-01-01", hours=9000, freq="h"):
    ds = pd.date_range(first, periods=hours, freq=freq, tz=zone)
    pd.DataFrame({"ds": ds, "y": np.arange(len(ds)) % 24.0}).to_csv(path, index=False)
    return ds


@pytest.mark.parametrize("zone", CHANGED)
def test_offsets_that_change_are_those_of_clocks_with_the_same_times(tmp_path, zone):
    ds = exported(tmp_path / "t.csv", zone)
    panel, notes = to_panel(tmp_path / "t.csv")
    np.testing.assert_array_equal(
        panel.local(panel.times(0)), ds.tz_localize(None).to_numpy().astype("M8[us]")
    )
    np.testing.assert_array_equal(
        panel.instants(panel.times(0)),
        ds.tz_convert("UTC").tz_localize(None).to_numpy().astype("M8[us]"),
    )
    assert "time_zone (--time-zone)" in notes[0]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Kolkata", "America/Bogota", "Etc/GMT-14"])
def test_one_offset_is_kept(tmp_path, zone):
    ds = exported(tmp_path / "t.csv", zone, hours=50)
    panel, notes = to_panel(tmp_path / "t.csv")
    assert panel.local(panel.start)[0] == ds[0].tz_localize(None)
    assert "is kept" in notes[0]


def test_utc_stays_utc_and_what_no_place_has_is_kept_in_utc(tmp_path):
    exported(tmp_path / "t.csv", "UTC")
    panel, notes = to_panel(tmp_path / "t.csv")
    assert (panel.time_zone, notes) == ("UTC", [])
    instants = pd.date_range("2024-01-01", periods=60, freq="h", tz="UTC")
    texts = [t.tz_convert(f"+0{k % 5}:00").isoformat() for k, t in enumerate(instants)]
    panel, notes = to_panel(pd.DataFrame({"ds": texts, "y": np.arange(60.0)}))
    assert (panel.time_zone, len(panel.y)) == ("UTC", 60)
    assert "of no time zone" in notes[0]


@pytest.mark.parametrize("how", ["offsets", "UTC", "a zone", "with a format"])
@pytest.mark.parametrize("freq", ["h", "D"])
def test_a_named_zone_settles_it(tmp_path, how, freq):
    ds = pd.date_range("2024-03-20", periods=300, freq=freq, tz="Europe/Paris")
    told = ds.tz_convert("UTC") if how == "UTC" else ds
    frame = pd.DataFrame({"ds": told, "y": np.arange(300.0)})
    options = {"time_zone": "Europe/Paris"}
    if how == "with a format":
        frame["ds"] = told.strftime("%d/%m/%Y %H:%M %z")
        options["date_format"] = "%d/%m/%Y %H:%M %z"
    if how != "a zone":
        frame.to_csv(tmp_path / "t.csv", index=False)
        frame = tmp_path / "t.csv"
    panel, _ = to_panel(frame, reading=ReadOptions(**options))
    assert panel.time_zone == "Europe/Paris"
    expected = ds.tz_convert("UTC").tz_localize(None).to_numpy().astype("M8[us]")
    np.testing.assert_array_equal(panel.instants(panel.times(0)), expected)


@pytest.mark.parametrize("freq", ["h", "D"])
def test_a_format_with_an_offset_reads_the_local_clock(freq):
    ds = pd.date_range("2024-03-01", periods=900, freq=freq, tz="Europe/Berlin")
    table = pd.DataFrame({"ds": ds.strftime("%d/%m/%Y %H:%M%z"), "y": np.arange(900.0)})
    panel, _ = to_panel(table, reading=ReadOptions(date_format="%d/%m/%Y %H:%M%z"))
    shown = panel.local(panel.times(0))
    np.testing.assert_array_equal(shown, ds.tz_localize(None).to_numpy().astype("M8[us]"))


def test_cells_that_are_times_of_changing_offsets_are_read_as_their_text():
    ds = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    cells = [t.to_pydatetime().replace(tzinfo=timezone(t.utcoffset())) for t in ds]
    frame = pd.DataFrame({"ds": pd.Series(cells, dtype=object), "y": np.arange(60.0)})
    panel, _ = to_panel(frame)
    assert panel.time_zone == "Europe/Berlin"
    assert panel.local(panel.ends)[0] == ds[-1].tz_localize(None)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="time_zone must be a name such as"):
        ReadOptions(time_zone="Mars/Base")
    with pytest.raises(ValueError, match="time_zone: 'ds' holds times without a zone"):
        to_panel(
            pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]}),
            reading=ReadOptions(time_zone="Asia/Tokyo"),
        )


def test_forecasts_follow_the_clock_and_carry_its_offsets(tmp_path):
    ds = pd.date_range("2023-10-20", "2024-04-05", freq="h", tz="Europe/Berlin")
    table = pd.DataFrame({"ds": ds, "y": np.where(ds.hour == 8, 100.0, 20.0) + ds.day_of_week})
    known, past = table[ds < "2024-03-30 20:00+01:00"], tmp_path / "past.csv"
    known.to_csv(past, index=False)
    forecaster = Forecaster(24, effort="fast", max_steps=30, ensemble=1).fit(past)
    found = forecaster.predict()
    assert found["ds"].to_list() == table["ds"][len(known) :][:24].to_list()
    assert found["ds"][int(found["carrousel"].arg_max())].hour == 8
    known[-600:].to_csv(past, index=False)  # winter alone: the model knows whose clock it is
    again = forecaster.predict(past)
    assert again["ds"].to_list() == found["ds"].to_list()
    forecaster.save(tmp_path / "model")
    table[len(known) :][:30].to_csv(past, index=False)
    after = Forecaster.load(tmp_path / "model").update(past).predict()
    assert after["ds"].to_list() == table["ds"][len(known) + 30 :][:24].to_list()


@pytest.mark.parametrize("freq", ["h", "D"])
def test_a_model_of_a_zone_reads_offsets_as_those_of_its_clocks(tmp_path, freq):
    ds = pd.date_range("2023-10-01", periods=400, freq=freq, tz="Europe/Paris")
    table = pd.DataFrame({"ds": ds, "y": np.arange(400) % 24.0})
    forecaster = Forecaster(3, effort="instant").fit(table)
    table[-150:].to_csv(tmp_path / "winter.csv", index=False)
    found = forecaster.predict(tmp_path / "winter.csv")["ds"]
    assert found.dtype.time_zone == "Europe/Paris"
    assert found.to_list() == forecaster.predict()["ds"].to_list()
