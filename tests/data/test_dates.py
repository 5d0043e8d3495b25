"""Times written in many ways: read as pandas wrote them, or refused; never as other times."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel.data import ReadOptions, to_panel

DAYS = pd.date_range("2024-01-01", periods=121)
MONTHS = pd.date_range("2015-01-01", periods=60, freq="MS")
HOURS = pd.date_range("2024-01-01", periods=200, freq="h")
WRITTEN = {
    "%d/%m/%y": DAYS, "%m/%d/%y": DAYS, "%y-%m-%d": DAYS, "%d.%m.%Y": DAYS, "%m.%d.%Y": DAYS,
    "%m/%d/%Y %I:%M:%S %p": HOURS, "%d/%m/%Y %H:%M": HOURS, "%b %d %Y": DAYS, "%d %B %Y": DAYS,
    "%B %d, %Y": DAYS, "%d-%b-%y": DAYS, "%A, %d %B %Y": DAYS, "%Y%m%d": DAYS, "%Y%m%d%H": HOURS,
    "%Y%m%dT%H%M": HOURS, "%Y%m%d %H:%M": HOURS, "%Y-%m-%dT%H:%M:%S.%f": HOURS, "%Y.%m.%d": DAYS,
    "%G-W%V-%u": DAYS,
    "%m/%Y": MONTHS, "%b %Y": MONTHS, "%b-%y": MONTHS, "%Y-%m": MONTHS, "%Y%m": MONTHS,
    "%d.%m.%y": MONTHS, "%d/%m/%Y": MONTHS, "%m/%d/%Y": MONTHS, "%YM%m": MONTHS,
}  # fmt: skip


def panel_of(texts, **options):
    frame = pl.DataFrame({"ds": list(texts), "y": np.arange(len(texts), dtype=float)})
    return to_panel(frame, reading=ReadOptions(**options) if options else None)


def times(texts, **options):
    return panel_of(texts, **options)[0].times(0)


@pytest.mark.parametrize("form", WRITTEN)
def test_what_pandas_writes_is_read(form):
    stamps = WRITTEN[form]
    np.testing.assert_array_equal(times(stamps.strftime(form)), stamps.to_numpy("M8[us]"))


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m", "%Y%m%d%H"])
def test_dates_as_whole_numbers(form):
    stamps = WRITTEN[form]
    numbers = [int(text) for text in stamps.strftime(form)]
    np.testing.assert_array_equal(times(numbers), stamps.to_numpy("M8[us]"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_hours_counted_from_1970(unit):
    numbers = HOURS.to_numpy(f"M8[{unit}]").astype(np.int64).tolist()
    for options in ({}, {"date_format": unit}):
        np.testing.assert_array_equal(times(numbers, **options), HOURS.to_numpy("M8[us]"))


def test_quarters_weeks_and_names_of_months_in_other_languages():
    quarters = pd.period_range("2000Q1", periods=8, freq="Q")
    expected = quarters.to_timestamp().to_numpy("M8[us]")
    for form in ("%Y-Q%q", "%YQ%q", "Q%q %Y", "%Y-T%q"):
        np.testing.assert_array_equal(times(quarters.strftime(form)), expected)
    weeks = pd.date_range("2024-01-29", periods=8, freq="7D")
    np.testing.assert_array_equal(times(weeks.strftime("%G-W%V")), weeks.to_numpy("M8[us]"))
    three = np.array(["2024-02-29", "2024-03-01", "2024-03-02"], "M8[us]")
    for texts in (
        ["29 février 2024", "1er mars 2024", "2 mars 2024"],
        ["29. Februar 2024", "1. März 2024", "2. März 2024"],
        ["Thu 29 Feb 2024", "Fri 1 Mar 2024", "Sat 2 Mar 2024"],
        ["Thu, 29 Feb 2024", "Fri, 1 Mar 2024", "Sat, 2 Mar 2024"],
    ):
        np.testing.assert_array_equal(times(texts), three)


def test_march_is_no_tuesday_in_french():
    days = pd.date_range("2024-03-01", periods=31)
    np.testing.assert_array_equal(times(days.strftime("%b %d, %Y")), days.to_numpy("M8[us]"))


def test_years_of_two_digits_are_posix_years():
    texts = [f"31/12/{year:02}" for year in [*range(69, 100), *range(69)]]
    expected = pd.to_datetime([f"{year}-12-31" for year in range(1969, 2069)]).to_numpy("M8[us]")
    np.testing.assert_array_equal(times(texts, date_format="%d/%m/%y"), expected)
    panel, notes = panel_of(texts, day_first=True)
    np.testing.assert_array_equal(panel.times(0), expected)
    assert notes[0] == "'ds' read as day/month/year, years of two digits from 1969 to 2068"


AMBIGUOUS = {
    "two days": (["03/04/2024", "04/04/2024"], r"day/month or month/day \(2024-04-03 or 2024-03"),
    "twelve days or twelve months": ([f"01/{k:02}/2024" for k in range(1, 13)], "--day-first"),
    "a month of days or of years": (DAYS[:31].strftime("%y-%m-%d"), "give date_format"),
    "January of 2024": (DAYS[:31].strftime("%d-%b-%y"), "give date_format"),
    "days without a year": (["Jan 10", "Jan 11"], "a month or a day without its year"),
    "no year at all": (["24-Jan", "25-Jan"], "the year is missing"),
    "a year of the Romans": (["0024-01-01", "0024-01-02"], "not in the years 1700 to 2200"),
    "a year far away": (["2924-01-01", "2924-01-02"], "not in the years 1700 to 2200"),
    "one of another order": (["2024-01-01", "02/01/2024"], "'02/01/2024' in row 2 is no time"),
    "no such day": (["2024-02-28", "2024-02-30"], "'2024-02-30' in row 2 is no time"),
    "no such week": (["2024-W52", "2024-W53"], "'2024-W53' in row 2 is no time"),
    "no such hour": (["2024-01-01 23:00", "2024-01-01 25:00"], "25:00' in row 2 is no time"),
    "an offset here and none there": (["2024-01-01T00:00Z", "2024-01-01T01:00"], "in row 2 is no"),
    "a number that is no date": ([202211, 202212, 202213, 202302], "202213 in row 3 is no date"),
    "seconds or numbers": ([1704067200 + k for k in range(9)], "date_format='s'"),
}  # fmt: skip


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_is_open_or_wrong_is_refused(case):
    texts, message = AMBIGUOUS[case]
    with pytest.raises(ValueError, match=message) as caught:
        panel_of(texts)
    assert "\n" not in str(caught.value)


def test_options_settle_the_order():
    texts = ["03/04/2024", "04/04/2024", "05/04/2024"]
    assert times(texts, day_first=True)[0] == np.datetime64("2024-04-03")
    assert times(texts, day_first=False)[0] == np.datetime64("2024-03-04")
    with pytest.raises(ValueError, match="'31/04/2024' is no day/month/year, as day_first=True"):
        times(["30/04/2024", "31/04/2024"], day_first=True)
    with pytest.raises(ValueError, match="'31/01/24' in row 1 is not written as date_format='%d/"):
        times(["31/01/24", "01/02/24"], date_format="%d/%m/%Y")
    with pytest.raises(ValueError, match=r"date_format"):
        times(["31/01/24"], date_format="%Q")


def test_numbers_that_are_no_dates_stay_numbers():
    for start, freq in ((100_000, None), (1990, None), (20_240_101, 1), (202_201, 1)):
        frame = pl.DataFrame({"ds": range(start, start + 200), "y": 1.0})
        assert to_panel(frame, freq=freq)[0].start[0] == start


@pytest.mark.parametrize("freq", ["D", "B", "MS"])
def test_pandas_own_export_of_days_across_a_change_of_the_clock(freq, tmp_path):
    days = pd.date_range("2024-01-01", periods=100, freq=freq, tz="Europe/Berlin")
    pd.DataFrame({"ds": days, "y": 1.0}).to_csv(tmp_path / "days.csv", index=False)
    panel, notes = to_panel(tmp_path / "days.csv")
    np.testing.assert_array_equal(panel.times(0), days.tz_localize(None).to_numpy("M8[us]"))
    assert notes == ["'ds': days of the clocks that the offsets from UTC belong to"]


def test_pandas_own_export_of_hours_across_a_change_of_the_clock(tmp_path):
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    pd.DataFrame({"ds": hours, "y": 1.0}).to_csv(tmp_path / "hours.csv", index=False)
    panel, _ = to_panel(tmp_path / "hours.csv")
    utc = hours.tz_convert("UTC").tz_localize(None).to_numpy("M8[us]")
    np.testing.assert_array_equal(panel.times(0), utc)
    assert panel.time_zone == "Europe/Berlin"


@pytest.mark.parametrize("end", [2**63 - 1, -(2**63), 2**62])
def test_whole_numbers_at_the_ends_are_refused(end):
    frame = pl.DataFrame({"ds": [0, 1, 2, end], "y": 1.0})
    with pytest.raises(ValueError, match="whole numbers beyond"):
        to_panel(frame)


OPEN = {
    "YYMMDD": ("%y%m%d", DAYS), "DDMMYY": ("%d%m%y", DAYS), "MMDDYY": ("%m%d%y", DAYS[11:]),
    "DDMMYYYY": ("%d%m%Y", DAYS[:9]), "MMDDYYYY": ("%m%d%Y", DAYS[11:]), "YYYYDDD": ("%Y%j", DAYS),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize("kind", [str, int])  # which has no zeros before
def test_whole_numbers_that_may_be_dates_are_refused_until_it_is_said(name, kind):
    form, stamps = OPEN[name]
    cells = [kind(one) for one in stamps.strftime(form)]
    with pytest.raises(ValueError, match=f"a date \\({name}\\) .* date_format='{form}'"):
        times(cells)
    np.testing.assert_array_equal(times(cells, date_format=form), stamps.to_numpy("M8[us]"))


def test_quarters_and_weeks_as_whole_numbers_are_refused():
    for cells, give in (
        ([f"{year}{quarter}" for year in (2022, 2023) for quarter in range(1, 5)], "2024Q1"),
        ([f"{year}{week:02}" for year in (2022, 2023) for week in range(1, 53)], "2024-W05"),
    ):
        with pytest.raises(ValueError, match=f"write it as {give}"):
            times(cells)
        frame = pl.DataFrame({"ds": cells, "y": 1.0})
        assert to_panel(frame, freq=1)[0].start[0] == int(cells[0])


@pytest.mark.parametrize(
    ("start", "step"),
    [(0, 1), (240_500, 1), (202_400, 1), (10_100, 1), (1_010_101, 1), (5000, 100), (1, 12)],
)
def test_counters_stay_numbers(start, step):
    numbers = start + step * np.arange(40)
    np.testing.assert_array_equal(times([str(one) for one in numbers]), numbers)


@pytest.mark.parametrize("wrong", ["2042-01-21", "1924-01-21", "2034-01-21"])
def test_one_mistyped_year_is_named(wrong):
    texts = [*DAYS[:20].strftime("%Y-%m-%d"), wrong, *DAYS[21:].strftime("%Y-%m-%d")]
    with pytest.raises(ValueError, match=rf"{wrong} of series 'y' \(y = 20\) stands alone"):
        panel_of(texts)
    months = [*MONTHS[:20].strftime("%Y-%m"), "2061-09", *MONTHS[21:].strftime("%Y-%m")]
    with pytest.raises(ValueError, match="2061-09-01 of series 'y'"):
        panel_of(months)
