"""The panel: views, cuts, futures."""

import numpy as np
import polars as pl
import pytest

from carrousel.data import to_frame, to_panel

FRAME = pl.DataFrame(
    {
        "unique_id": ["a", "a", "a", "b", "c", "c"],
        "ds": [1, 2, 4, 7, 1, 2],
        "y": [1.0, None, 4.0, 7.0, 8.0, 9.0],
    }
)


@pytest.fixture
def panel():
    return to_panel(FRAME)[0]


def test_values_times_and_gaps(panel):
    np.testing.assert_array_equal(panel.series(0), np.float32([1, np.nan, np.nan, 4]))
    assert list(panel.times(0)) == [1, 2, 3, 4]
    assert list(panel.times(1, 0, 3)) == [7, 8, 9]
    assert panel.y.dtype == np.float32
    assert panel.y.flags.c_contiguous
    assert panel.ids == ["a", "b", "c"]
    assert list(panel.lengths) == [4, 1, 2]


def test_future_continues_each_series(panel):
    future = panel.future(2)
    assert list(future["unique_id"]) == ["a", "a", "b", "b", "c", "c"]
    assert list(future["ds"]) == [5, 6, 8, 9, 3, 4]


def test_split_puts_nothing_in_both_parts(panel):
    head, tail = panel.split(2)
    assert list(head.lengths) == [2, 0, 0]
    assert list(tail.lengths) == [2, 1, 2]
    assert list(tail.start) == [3, 7, 1]
    for s in range(3):
        both = np.concatenate([head.series(s), tail.series(s)])
        np.testing.assert_array_equal(both, panel.series(s))


def test_select_reorders(panel):
    some = panel.select([2, 0])
    assert some.ids == ["c", "a"]
    np.testing.assert_array_equal(some.series(1), panel.series(0))
    assert panel.select([]).n_series == 0


def test_require_names_the_short_series(panel):
    panel.require(1, "fit")
    with pytest.raises(ValueError, match=r"fit needs 3 steps .*'b' has 1, 'c' has 2"):
        panel.require(3, "fit")


def test_many_short_series_are_counted_not_listed():
    frame = pl.DataFrame({"unique_id": range(50), "ds": [1] * 50, "y": [1.0] * 50})
    with pytest.raises(ValueError, match=r"0 has 1, 1 has 1, 2 has 1 and 47 more$"):
        to_panel(frame, freq=1)[0].require(2, "fit")


def test_a_single_series_without_name_stays_without():
    frame = FRAME.filter(pl.col("unique_id") == "a").drop("unique_id")
    panel, _ = to_panel(frame)
    assert panel.id_col is None
    assert list(panel.future(1)) == ["ds"]
    assert to_frame(panel.future(1), frame).columns == ["ds"]


def test_memory_is_that_of_the_values():
    n = 100_000
    frame = pl.DataFrame({"unique_id": np.repeat(np.arange(100), n // 100),
                          "ds": np.tile(np.arange(n // 100), 100), "y": np.ones(n)})  # fmt: skip
    panel, _ = to_panel(frame)
    held = panel.y.nbytes + panel.offsets.nbytes + panel.start.nbytes + 100 * (len(panel.ids))
    assert held <= 1.5 * 4 * n


@pytest.mark.parametrize("day", [28, 29, 30, 31])
def test_months_go_on_from_their_own_day_wherever_a_panel_is_cut(day):
    months = pl.datetime_range(pl.datetime(2023, 1, 1), pl.datetime(2024, 6, 1), "1mo", eager=True)
    short = months.dt.month_end().dt.day()  # the 30th, but the 28th of February
    times = [m.replace(day=min(day, last)) for m, last in zip(months, short, strict=True)]
    ids = ["early"] * 14 + ["late"] * 18  # one ends in February
    table = pl.DataFrame({"unique_id": ids, "ds": times[:14] + times, "y": np.arange(32.0)})
    whole, _ = to_panel(table, freq="1mo")
    expected = whole.future(4)["ds"]
    for keep in (5, 4, 3, 1):
        cut = whole.tail(keep).tail(3)  # some of them begin in February
        np.testing.assert_array_equal(cut.future(4)["ds"], expected)
        np.testing.assert_array_equal(cut.select([1, 0]).future(4)["ds"][4:], expected[:4])
        np.testing.assert_array_equal(cut.ends, whole.ends)
