"""Frequency against pandas, which knows calendars."""

import numpy as np
import pandas as pd
import pytest

from carrousel.data import Frequency, to_panel
from carrousel.data.frequency import DAY
from carrousel.data.infer import candidates

ALIASES = [
    "s", "10s", "min", "5min", "15min", "30min", "h", "3h", "D", "2D", "B", "W-SUN", "W-WED",
    "2W-WED", "MS", "ME", "2MS", "QS", "QE", "QS-FEB", "YS", "YE", "90min", "36h",
    "BMS", "BME", "BQS", "BQE", "BYS", "BYE", "2BME",
]  # fmt: skip
SEASONS = {
    "5min": 288, "15min": 96, "30min": 48, "h": 24, "3h": 8, "D": 7, "B": 5, "W": 52, "MS": 12,
    "ME": 12, "QS": 4, "QE": 4, "YS": 1, "YE": 1,
}  # fmt: skip


@pytest.mark.parametrize("alias", ALIASES)
def test_advance_and_count_agree_with_date_range(alias):
    dates = pd.date_range("2019-12-30 05:10", periods=60, freq=alias).values.astype("M8[us]")
    freq = Frequency.parse(alias)
    assert (freq.advance(dates[0], np.arange(60)) == dates).all()
    assert (freq.count(dates[0], dates) == np.arange(60)).all()
    assert (freq.advance(dates[:, None], 1)[:-1, 0] == dates[1:]).all()


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("gaps", [False, True], ids=["complete", "with gaps"])
def test_inferred_as_given(alias, gaps):
    frame = pd.DataFrame({"ds": pd.date_range("2021-03-03", periods=50, freq=alias), "y": 1.0})
    if gaps:
        frame = frame.drop(index=[3, 7, 8, 20])
    panel, _ = to_panel(frame)
    assert panel.freq == Frequency.parse(alias)
    assert len(panel.y) == 50
    assert to_panel(frame, freq=alias)[0].freq == panel.freq


@pytest.mark.parametrize("alias", ALIASES)
def test_own_alias_is_read_back(alias):
    freq = Frequency.parse(alias)
    assert Frequency.parse(freq.alias) == freq
    assert str(freq)


@pytest.mark.parametrize(("alias", "season"), SEASONS.items())
def test_season_length(alias, season):
    assert Frequency.parse(alias).season_length == season


@pytest.mark.parametrize(
    ("one", "other"),
    [("1h", "h"), ("30m", "30min"), ("1mo", "MS"), ("1q", "QS"), ("1y", "YS"), ("1d", "D"),
     ("1w", "W-MON"), ("60m", "1h"), (1, "1"), ("hourly", "H"), ("business days", "B"),
     ("1h30min", "90m"), ("1d12h", "36h"), ("2i", 2), ("C", "B")],
)  # fmt: skip
def test_spellings_of_the_same(one, other):
    assert Frequency.parse(one) == Frequency.parse(other)


@pytest.mark.parametrize("bad", ["fortnight", "", "h1", "0h", 0, "-1d", None, 1.5])
def test_unknown_spellings_are_refused(bad):
    with pytest.raises(ValueError, match="freq must be"):
        Frequency.parse(bad)


def test_month_ends_from_a_leap_day():
    freq = Frequency.parse("YE")
    got = freq.advance(np.datetime64("2024-02-29", "us"), [0, 1, 4]).astype("M8[D]").astype(str)
    assert list(got) == ["2024-02-29", "2025-02-28", "2028-02-29"]


def test_the_steps_of_very_many_series_are_counted_without_overflow():
    days = np.arange("2024-01-01", "2024-03-01", dtype="M8[D]").astype("M8[us]")
    found = candidates(days, np.array([DAY, 2 * DAY]), np.array([10**11, 10**9]), weekly=True)
    assert next(found) == Frequency.parse("1d")
