"""Clocks on the wall, beside pandas' and polars' own arithmetic."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel.data import to_frame, to_panel
from carrousel.data.clock import local_time, utc_time

ZONES = [
    "Africa/Cairo", "Africa/Casablanca", "America/Havana", "America/New_York", "America/Sao_Paulo",
    "America/St_Johns", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Etc/GMT-1", "Europe/Berlin", "Pacific/Apia", "UTC",
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_is_polars(zone):
    rng = np.random.default_rng(0)
    time = rng.integers(0, 2_000_000_000, 5000).astype("M8[s]").astype("M8[us]")
    utc = pl.Series(time).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    expected = utc.dt.replace_time_zone(None).to_numpy()
    np.testing.assert_array_equal(local_time(time, zone), expected)


@pytest.mark.parametrize("zone", ZONES)
def test_utc_time_is_polars_and_the_first_moment_after_what_is_left_out(zone):
    local = np.arange(
        np.datetime64("1985-01-01", "us"), np.datetime64("2030-01-01"), np.timedelta64(90, "m")
    )
    found = utc_time(local, zone)
    aware = pl.Series(local).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    )  # fmt: skip
    expected = aware.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    there = aware.is_not_null().to_numpy()
    np.testing.assert_array_equal(found[there], expected.to_numpy()[there])
    before = local_time(found[~there] - np.timedelta64(1, "us"), zone)
    assert (local_time(found[~there], zone) > local[~there]).all()
    assert (before < local[~there]).all()


def days(zone, first, last, freq="D"):
    """Midnights, and where there is none the first moment of the day."""
    naive = pd.date_range(first, last, freq=freq)
    return naive.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(naive), bool))


@pytest.mark.parametrize("freq", ["D", "7D", "MS", "B"])
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Africa/Cairo", "2024-04-26"),
        ("America/Sao_Paulo", "2018-11-04"),
        ("America/Havana", "2024-03-10"),  # no midnight
        ("America/Havana", "2024-11-03"),  # two of them
        ("Asia/Beirut", "2022-03-27"),
    ],
)
def test_days_without_a_midnight_or_with_two_are_days(zone, change, freq):
    change = pd.Timestamp(change)
    around = days(zone, change - pd.Timedelta("1000D"), change + pd.Timedelta("200D"), freq)
    table = pd.DataFrame({"ds": around, "y": np.arange(len(around)) % 7.0})
    panel, notes = to_panel(table)
    assert notes == []
    assert panel.lengths.tolist() == [len(table)]
    again = to_frame(panel.columns(panel.times(0)[None]), table, panel)
    pd.testing.assert_series_equal(again["ds"], table["ds"].astype(again["ds"].dtype))
    before = int((around.tz_localize(None) < change).sum()) - 1
    head, _ = to_panel(table[:before])
    ahead = to_frame(head.future(5), table, head)["ds"]
    assert ahead.tolist() == around[before : before + 5].tolist()


@pytest.mark.parametrize("freq", ["2h", "3h", "6h", "12h"])
def test_steps_of_the_clock_on_the_wall(freq):
    naive = pd.date_range("2024-03-01", "2024-05-01", freq=freq)
    table = pd.DataFrame({"ds": naive.tz_localize("Europe/Berlin", nonexistent="shift_forward")})
    table["y"] = np.arange(len(table)) % 4.0
    for given in (None, freq):
        panel, notes = to_panel(table, freq=given)
        assert panel.freq.alias == freq
        assert len(panel.y) == len(table)
        assert "follow the clocks of Europe/Berlin" in notes[0]
    again = to_frame(panel.columns(panel.times(0)[None]), table, panel)["ds"]
    assert again.tolist() == table["ds"].tolist()
    utc = table["ds"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    for unit in ("us", "ns"):  # pandas counted nanoseconds before 3.0
        own = panel.own(utc.astype(f"M8[{unit}]"), 0)
        np.testing.assert_array_equal(own, panel.times(0))


@pytest.mark.parametrize("freq", ["15min", "h", "2h", "6h"])
@pytest.mark.parametrize("month", ["2024-03", "2024-10"])
def test_steps_of_time_itself_stay_what_they_are(freq, month):
    ds = pd.date_range(f"{month}-20", periods=300, freq=freq, tz="Europe/Berlin")
    panel, notes = to_panel(pd.DataFrame({"ds": ds, "y": np.arange(300.0)}))
    assert (notes, panel.wall, len(panel.y)) == ([], False, 300)
