"""What comes in: every kind of table, repaired or refused in one line."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.data import Frequency, list_samples, load_sample, to_frame, to_panel

HOURS = [dt.datetime(2024, 1, 1, k) for k in range(5)]
TABLE = {
    "unique_id": ["one"] * 3 + ["deux é"] * 2,
    "ds": [*HOURS[:3], *HOURS[:2]],
    "y": [1.0, 2.0, None, 4.0, 5.0],
}
KINDS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table,
         "lazy polars": pl.LazyFrame}  # fmt: skip


def dates(*text, y=None, **columns):
    return pl.DataFrame({"ds": list(text), "y": y or [1.0] * len(text), **columns})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_gives_the_same_panel(kind):
    panel, notes = to_panel(KINDS[kind](TABLE))
    assert panel.ids == ["one", "deux é"]
    np.testing.assert_array_equal(panel.y, np.float32([1, 2, np.nan, 4, 5]))
    assert panel.freq.alias == "1h"
    assert notes == []


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_results_come_back_as_the_kind_that_came_in(kind):
    frame = KINDS[kind](TABLE)
    panel, _ = to_panel(frame)
    future = to_frame({**panel.future(1), "y_hat": np.ones(2, np.float32)}, frame, panel)
    assert type(future) is type(frame)
    columns = pl.DataFrame(future).to_dict(as_series=False)
    assert columns["unique_id"] == ["one", "deux é"]
    assert columns["ds"] == [HOURS[3], HOURS[2]]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".tsv"])
def test_files_give_the_same_panel_as_frames(tmp_path, suffix):
    path, frame = tmp_path / f"données{suffix}", pl.DataFrame(TABLE)
    if suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    panel, _ = to_panel(path)
    np.testing.assert_array_equal(panel.y, to_panel(frame)[0].y)
    assert panel.ids == ["one", "deux é"]
    assert isinstance(to_frame(panel.future(1), path), pl.DataFrame)


def test_csv_with_byte_order_mark_semicolons_and_words_for_missing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ufeffunique_id;ds;y\n007;2024-01;1\n007;2024-02;NA\n007;2024-03;n/a\nNA;"
                    "2024-01;3\n", encoding="utf-8")  # fmt: skip
    panel, _ = to_panel(path)
    assert panel.ids == ["007", "NA"]
    np.testing.assert_array_equal(panel.y, np.float32([1, np.nan, np.nan, 3]))


def test_decimal_commas(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ds;y\n1;1,5\n2;-2,25\n3;4\n")
    np.testing.assert_array_equal(to_panel(path)[0].y, np.float32([1.5, -2.25, 4]))


def test_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("unique_id,ds,y\né,1,1\n".encode("latin-1"))
    panel, notes = to_panel(path, freq=1)
    assert panel.ids == ["é"]
    assert notes == ["not UTF-8: text read as Western European (cp1252)"]


def test_a_name_column_that_was_asked_for_must_be_there():
    with pytest.raises(ValueError, match="id_col: there is no column 'shop'"):
        to_panel(pl.DataFrame(TABLE), id_col="shop")


def test_column_mapping():
    frame = pl.DataFrame(TABLE).rename({"unique_id": "shop", "ds": "when", "y": "sold"})
    panel, _ = to_panel(frame, id_col="shop", time_col="when", target_col="sold")
    assert (panel.id_col, panel.time_col, panel.target_col) == ("shop", "when", "sold")
    assert list(panel.future(1)) == ["shop", "when"]


def test_unsorted_rows_are_sorted_and_said_so():
    frame = pl.DataFrame(TABLE)
    shuffled = frame[[4, 1, 0, 3, 2]]
    panel, notes = to_panel(shuffled)
    assert notes == ["rows sorted by ds"]
    assert panel.ids == ["deux é", "one"]
    np.testing.assert_array_equal(panel.series(1), to_panel(frame)[0].series(0))


def test_gaps_are_filled_and_said_so():
    panel, notes = to_panel(dates("2024-01-01", "2024-01-02", "2024-01-05"))
    assert notes == ["2 gaps filled as missing"]
    assert np.isnan(panel.y).tolist() == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("times", "alias"),
    [
        (["1949-01", "1949-02", "1949-03"], "1mo"),
        (["2024/1/5", "2024/1/6"], "1d"),
        (["05.01.2024", "06.01.2024"], "1d"),
        (["13/01/2024", "14/01/2024"], "1d"),
        (["2024-01-01 00:00", "2024-01-01T00:30:00", "2024-01-01 01:00:00.0"], "30m"),
        (["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"], "1h"),
        (["1", "2"], "1"),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 8)], "1w"),
        ([3, 6, 9], "3"),
        ([1.0, 2.0], "1"),
    ],
    ids=str,
)
def test_times_of_many_forms(times, alias):
    assert to_panel(dates(*times))[0].freq.alias == alias


def test_pandas_periods():
    frame = pd.DataFrame({"ds": pd.period_range("2024-01", periods=3, freq="M"), "y": 1.0})
    assert to_panel(frame)[0].freq.alias == "1mo"


def test_hours_over_summer_time_keep_their_zone():
    hours = pd.date_range("2021-03-27", periods=72, freq="h", tz="Europe/Paris")
    frame = pd.DataFrame({"ds": hours, "y": 1.0})
    panel, _ = to_panel(frame)
    for like in (frame, pl.from_pandas(frame)):
        got = pl.DataFrame(to_frame(panel.future(2), like, panel))["ds"]
        expected = pd.date_range(hours[-1], periods=3, freq="h")[1:]
        assert got.to_list() == expected.to_pydatetime().tolist()
        assert got.dtype.time_zone == "Europe/Paris"


def test_days_over_summer_time_stay_at_midnight():
    days = pd.date_range("2021-03-20", periods=10, freq="D", tz="Europe/Paris")
    panel, _ = to_panel(pd.DataFrame({"ds": days, "y": 1.0}))
    assert panel.freq.alias == "1d"
    assert list(panel.times(0)) == list(days.tz_localize(None).values)


INFINITE = dates("2024-01-01", "2024-01-02", y=[1.0, float("inf")])
REFUSED = {
    "no such time column": (pl.DataFrame({"y": [1]}), "time_col: there is no column 'ds'"),
    "no such target": (pl.DataFrame({"ds": [1]}), "target_col: there is no column 'y'; .*'ds'"),
    "no rows": (pl.DataFrame({"ds": [], "y": []}), "df has no rows"),
    "text in y": (dates(1, 2, y=["1", "much"]), "y: 'much' in row 2 is not a number"),
    "dates in y": (dates(1, y=[dt.date(2024, 1, 1)]), "y must hold numbers, got Date"),
    "infinite": (INFINITE, "y: the value in row 2 is infinite"),
    "beyond float32": (dates(1, 2, y=[1.0, 1e300]), "y: values beyond 3.4e38"),
    "below float32": (dates(1, 2, y=[1e-310, -1e-39]), "y: values below 1.2e-38"),
    "no value": (dates(1, 2, y=[None, None]), "y: no value at all in series 'y'"),
    "one series without value": (
        pl.DataFrame({"unique_id": ["a", "b"], "ds": [1, 1], "y": [1.0, float("nan")]}),
        "y: no value at all in series 'b'",
    ),
    "duplicates": (
        dates("2024-01-01", "2024-01-02", "2024-01-02", y=[1, 2, 3], unique_id=["a"] * 3),
        r"ds: two rows for 2024-01-02 of series 'a'; keep or combine them",
    ),
    "several series without names": (
        dates("2024-01-01", "2024-01-01"),
        r"ds: two rows for 2024-01-01 of series 'y'; is there a column \(id_col\)",
    ),
    "thousands": (
        dates(1, 2, y=["1,234", "2,345"]),
        r"y: '[12],\d{3}' may be .* or .*; give decimal=',' .* or thousands=','",
    ),
    "no time": (dates("2024-01-01", None), "ds: row 2 has no time"),
    "blank time": (dates("2024-01-01", " "), "ds: row 2 has no time"),
    "text for time": (dates("2024-01-01", "soon"), "ds: 'soon' in row 2 is no time"),
    "ambiguous dates": (dates("03/04/2024", "04/04/2024"), "may be day/month or month/day"),
    "fractions": (dates(1.5, 2.5), "ds must hold times or integers, got fractions"),
    "booleans": (dates(True, False), "ds must hold times or integers, got Boolean"),
    "no name": (dates(1, 2, unique_id=["a", None]), "unique_id: row 2 has no name"),
    "irregular": (
        dates("2024-01-01 00:00", "2024-01-01 00:01", "2024-01-01 07:13", "2024-01-03 01:15"),
        "freq is ambiguous, the times are irregular: steps of 1m .* give freq",
    ),
    "one row": (dates("2024-01-01"), "freq cannot be inferred from one observation per series"),
    "a date far off": (
        dates("2024-01-01", "2024-01-02", "2024-01-03", "2924-01-04"),
        "is a date wrong",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_repaired_is_refused_in_one_line(case):
    frame, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as caught:
        to_panel(frame, freq=1 if case == "one series without value" else None)
    assert "\n" not in str(caught.value)


def test_series_of_different_steps_are_not_mixed():
    days = [dt.datetime(2024, 1, k) for k in range(1, 6)]
    frame = pl.DataFrame({"unique_id": ["h"] * 5 + ["d"] * 5, "ds": HOURS + days, "y": range(10)})
    with pytest.raises(ValueError, match=r"ambiguous: series 'd' .* every 24 steps of 1h"):
        to_panel(frame)


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        ("1d", "ds: 2024-01-01 01:00 of series 'one' is not a whole number of steps"),
        (1, "freq '1' does not fit ds, which holds dates"),
        ("never", "freq must be"),
    ],
)
def test_a_wrong_freq_is_refused(freq, message):
    with pytest.raises(ValueError, match=message):
        to_panel(pl.DataFrame(TABLE), freq=freq)


@given(
    freq=st.sampled_from(["10s", "15m", "1h", "1d", "B", "1w", "1mo", "ME", "1q", "1y", "3"]),
    lengths=st.lists(st.integers(8, 40), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_any_panel_survives_a_shuffled_table_with_gaps(freq, lengths, seed):
    """Values to a table without some of its rows, shuffled, and back: the same, NaN in the gaps."""
    rng = np.random.default_rng(seed)
    step = Frequency.parse(freq)
    first = 7 if step.unit == "int" else np.datetime64("2024-01-31T00:00", "us")
    start = step.advance(first, rng.integers(0, 5, len(lengths)))
    values = [rng.standard_normal(n).astype(np.float32) for n in lengths]
    tables = []
    for s, y in enumerate(values):
        gap = rng.random(len(y)) < 0.2
        gap[[0, -1]] = False
        y[gap] = np.nan
        times = step.advance(start[s], np.flatnonzero(~gap))
        tables.append(
            pl.DataFrame({"unique_id": np.full(len(times), s), "ds": times, "y": y[~gap]})
        )
    frame = pl.concat(tables)
    panel, _ = to_panel(frame[rng.permutation(len(frame))], freq=freq)
    for s, y in enumerate(values):
        place = panel.ids.index(s)
        np.testing.assert_array_equal(panel.series(place), y)
        assert panel.start[place] == start[s]


def test_a_given_freq_is_taken():
    panel, _ = to_panel(dates("2024-01-01", "2024-01-02", "2024-01-03"), freq="12h")
    assert len(panel.y) == 5
    assert to_panel(dates("2024-01-01"), freq="1d")[0].freq.alias == "1d"


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        to_panel(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match="the file is empty"):
        to_panel(tmp_path / "empty.csv")
    (tmp_path / "head.csv").write_text("ds,y\n")
    with pytest.raises(ValueError, match="has no rows"):
        to_panel(tmp_path / "head.csv")
    (tmp_path / "a.parquet").write_text("ds,y\n1,2\n")
    with pytest.raises(ValueError, match="cannot be read as Parquet"):
        to_panel(tmp_path / "a.parquet")


@pytest.mark.parametrize("source", [3, None, {"ds": [1]}, [1, 2]], ids=str)
def test_other_things_are_no_table(source):
    with pytest.raises(TypeError, match="df must be a pandas, polars or pyarrow data frame"):
        to_panel(source)


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    ids, time = np.divmod(np.arange(20_000), 100)
    frame = pl.DataFrame({"unique_id": ids, "ds": time, "y": rng.standard_normal(20_000)})
    panel, whole = to_panel(frame[rng.permutation(20_000)])[0], to_panel(frame)[0]
    back = panel.select([panel.ids.index(i) for i in whole.ids])
    np.testing.assert_array_equal(back.y, whole.y)


@pytest.mark.parametrize("name", list_samples())
def test_samples_are_read(name):
    sample = list_samples()[name]
    panel, _ = to_panel(sample.path)
    np.testing.assert_array_equal(panel.y, to_panel(load_sample(name))[0].y)
    assert sample.source
    assert sample.license
    assert panel.lengths.min() > 5 * sample.horizon
    assert np.nanmin(panel.y) >= 0


def test_an_unknown_sample_lists_the_known():
    with pytest.raises(ValueError, match="one of 'airline', 'bikes', 'jobs', got 'x'"):
        load_sample("x")


def test_equal_rows_are_refused_like_different_ones():
    """Two equal rows may be one value that came twice, or two sales of one piece each."""
    frame = dates("2024-01-02", "2024-01-01", "2024-01-02", y=[2, 1, 2], unique_id=["a"] * 3)
    message = r"two rows for 2024-01-02 of series 'a'; .*'sum' gives 4, 'mean' gives 2, 'last'"
    with pytest.raises(ValueError, match=message):
        to_panel(frame)


def test_absent_columns_are_told_together_with_what_may_be_meant(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Série; date ;valeur\n Été;2024-01-01;1,5\nÉté ;2024-01-02;2,5\n", "utf-8")
    message = r"'ds'; target_col: .*; the columns are .*; perhaps time_col='date', target_col='v"
    with pytest.raises(ValueError, match=message):
        to_panel(path)
    panel, _ = to_panel(path, id_col="Série", time_col="date", target_col="valeur")
    assert (panel.ids, panel.y.tolist()) == (["Été"], [1.5, 2.5])
