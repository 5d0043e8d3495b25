"""What rows mean: repeats, gaps, closed days, the future, a last step that has only begun."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel.data import Frequency, ReadOptions, to_panel

HOW = ("sum", "mean", "median", "min", "max", "first", "last", "count")


def sales(n=500, seed=0):
    """Single sales over 90 days, some of unknown value, several at one moment."""
    rng = np.random.default_rng(seed)
    minutes = rng.integers(0, 90 * 24 * 60, n)
    minutes[:50] = minutes[50:100]
    time = pd.Timestamp("2024-01-31") + pd.to_timedelta(np.sort(minutes), "min")
    y = rng.integers(1, 9, n).astype(float)
    y[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame({"unique_id": rng.choice(["a", "b"], n), "ds": time, "y": y})


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("freq", ["1d", "1w", "1mo", "ME", "6h"])
def test_sales_are_combined_as_pandas_combines_them(how, freq):
    frame = sales()
    panel, notes = to_panel(frame, freq=freq, reading=ReadOptions(aggregate=how))
    rule = {"1d": "D", "1w": "W-MON", "1mo": "MS", "ME": "ME", "6h": "6h"}[freq]
    options = {"label": "left", "closed": "left"} if freq == "1w" else {}
    for s, name in enumerate(panel.ids):
        own = frame[frame["unique_id"] == name].set_index("ds")["y"]
        bins = own.resample(rule, **options)
        wanted = bins.sum(min_count=1) if how == "sum" else getattr(bins, how)()
        there = own.resample(rule, **options).size() > 0  # a step without a row is a gap
        wanted = wanted.astype(float).where(there)
        np.testing.assert_array_equal(panel.times(s), wanted.index.to_numpy("M8[us]"))
        np.testing.assert_allclose(panel.series(s), wanted.to_numpy("f4"), rtol=1e-6)
    assert any(f"500 rows made {len(panel.y) - np.isnan(panel.y).sum()}" in n for n in notes) or (
        np.isnan(panel.y).any()
    )


def test_rows_of_one_time_are_combined_without_a_freq():
    frame = pl.DataFrame({"ds": ["2024-01-01"] * 3 + ["2024-01-02", "2024-01-03"], "y": [1] * 5})
    panel, notes = to_panel(frame, reading=ReadOptions(aggregate="sum"))
    assert (panel.y.tolist(), panel.freq.alias) == ([3, 1, 1], "1d")
    assert notes == ["5 rows made 3 rows by their sum"]
    with pytest.raises(ValueError, match=r"3 rows for 2024-01-01 of series 'y'.*'sum' gives 3"):
        to_panel(frame)


def test_a_month_that_has_begun_is_noted():
    days = pd.date_range("2024-01-01", "2024-04-03")
    frame = pd.DataFrame({"ds": days, "y": 1.0})
    _, notes = to_panel(frame, freq="1mo", reading=ReadOptions(aggregate="sum"))
    assert "holds rows up to 2024-04-03 only" in notes[-1]
    months = pd.date_range("2022-01-01", periods=28, freq="MS")
    values = [*range(300, 327), 20]
    _, notes = to_panel(pd.DataFrame({"ds": months, "y": values}))
    assert notes == [
        "the last step, 2024-04-01, holds 20, less than half of the least of the 24 before: if it "
        "has only begun, leave it out"
    ]
    assert to_panel(pd.DataFrame({"ds": months, "y": [*range(300, 328)]}))[1] == []


def shop(closed, weeks=30):
    days = pd.date_range("2024-01-01", periods=7 * weeks)
    return pd.DataFrame({"ds": days[~days.day_of_week.isin(closed)], "y": 100.0})


@pytest.mark.parametrize(
    ("closed", "alias"),
    [([6], "Mon-Sat"), ([4], "Sat-Thu"), ([4, 5], "Sun-Thu"), ([1, 3, 5, 6], "Mon,Wed,Fri"),
     ([0], "Tue-Sun"), ([5, 6], "B")],
)  # fmt: skip
def test_closed_days_are_no_steps(closed, alias):
    frame = shop(closed).drop(index=[17, 40])  # and two days without a row
    panel, notes = to_panel(frame)
    assert panel.freq.alias == alias
    assert Frequency.parse(alias) == panel.freq
    assert np.isnan(panel.y).sum() == 2
    future = pd.DatetimeIndex(panel.future(20)["ds"])
    after = pd.date_range(frame["ds"].max(), periods=60)[1:]
    np.testing.assert_array_equal(future, after[~after.day_of_week.isin(closed)][:20])
    if alias != "B":
        assert notes[0].startswith("no row on ")
        assert "fill='zero'" in notes[0]


def test_closed_days_as_zero_or_as_missing():
    frame = shop([6])
    panel, notes = to_panel(frame, reading=ReadOptions(fill="zero"))
    assert (panel.freq.alias, panel.y.sum()) == ("1d", frame["y"].sum())
    assert notes == ["29 gaps filled with zero"]
    panel, notes = to_panel(frame, freq="1d")
    assert np.isnan(panel.y).sum() == 29
    assert "no row on Sundays: missing values, which forecasts fill" in notes[1]


def test_few_weeks_or_rows_tell_nothing_of_closed_days():
    assert to_panel(shop([6], weeks=2))[0].freq.alias == "1d"
    rng = np.random.default_rng(1)
    some = pd.date_range("2024-01-01", periods=40)[np.sort(rng.permutation(40)[:26])]
    assert to_panel(pd.DataFrame({"ds": some, "y": 1.0}))[0].freq.alias == "1d"


def test_counts_without_their_zeros_are_noted():
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=500, freq="h")
    counts = rng.poisson(0.69, 500)
    counts[[0, -1]] = 1
    frame = pd.DataFrame({"ds": hours, "y": counts})[counts > 0]
    assert "no value is zero: if no row means that nothing happened" in to_panel(frame)[1][-1]
    panel, _ = to_panel(frame, reading=ReadOptions(fill="zero"))
    np.testing.assert_array_equal(panel.y, counts)


def test_rows_of_the_future_are_left_out():
    days = pd.date_range("2024-01-01", periods=40)
    frame = pd.DataFrame({"ds": days, "y": [*range(33), *[None] * 7]})
    panel, notes = to_panel(frame)
    assert panel.future(1)["ds"][0] == np.datetime64("2024-02-03")
    assert notes == ["7 rows without 'y' after 2024-02-02 left out: the future"]
    other = pd.DataFrame({"ds": days, "y": 1.0})
    both = pd.concat([frame.assign(unique_id="a"), other.assign(unique_id="b")])
    assert len(to_panel(both)[0].y) == 80  # time has passed: the other series says so
    late = frame.assign(y=[*range(38), None, None])
    assert len(to_panel(late)[0].y) == 40


@pytest.mark.parametrize("text", ["Mon-Sun", "mon-sat", "Mon-", "Mon-Tue-Wed", "-", "Mon;Tue"])
def test_weeks_that_are_none(text):
    if text == "Mon-Sun":
        assert Frequency.parse(text).alias == "1d"
        return
    with pytest.raises(ValueError, match="freq must be"):
        Frequency.parse(text)


def test_gaps_in_a_small_table_have_a_limit():
    frame = pl.DataFrame({"ds": ["2024-01-01", "2024-01-02", "2028-01-03"], "y": [1, 2, 3]})
    with pytest.raises(ValueError, match="would make 1,464 steps out of 3 rows"):
        to_panel(frame, freq="1d")


ZONED = {  # how the same instants are written, and what a message calls 08:00 in Berlin
    "a zone": lambda t: t.tz_convert("Europe/Berlin"),
    "offsets": lambda t: t.tz_convert("Europe/Berlin").strftime("%Y-%m-%dT%H:%M:%S%z"),
}


def berlin(kind, steps=40, **options):
    """Hours that end at 08:00 in Berlin (06:00 in UTC)."""
    utc = pd.date_range(end="2024-07-02 06:00", periods=steps, freq="h", tz="UTC")
    return pd.DataFrame({"ds": ZONED[kind](utc), "y": np.arange(steps) + 1.0})


@pytest.mark.parametrize("kind", ZONED)
class TestMessagesNameTheTimesOfTheTable:
    def test_of_a_row_that_comes_twice(self, kind):
        table = berlin(kind)
        twice = pd.concat([table, table[-1:]])
        with pytest.raises(ValueError, match="two rows for 2024-07-02 08:00 of series"):
            to_panel(twice)

    def test_of_the_last_value_before_the_future(self, kind):
        table = berlin(kind)
        after = berlin(kind, 45)[-5:].assign(y=np.nan)
        after["ds"] = ZONED[kind](pd.date_range("2024-07-02 07:00", periods=5, freq="h", tz="UTC"))
        _, notes = to_panel(pd.concat([table, after]))
        assert "5 rows without 'y' after 2024-07-02 08:00 left out: the future" in notes

    def test_of_a_time_between_the_steps(self, kind):
        table = berlin(kind)
        with pytest.raises(ValueError, match=r"ds: 2024-06-30 18:00 .* start, 2024-06-30 17:00"):
            to_panel(table, freq="2h")
