"""Every door reads tables in one way, with one set of checks: fit, predict, update and X_df."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel import Forecaster
from carrousel.data import to_panel
from carrousel.data.covariates import Spec, attach, future

DAYS = pd.date_range("2024-01-01", periods=80)
QUICK = {"max_steps": 1, "ensemble": 1, "hidden_size": 4}
RNG = np.random.default_rng(0)
X = RNG.normal(0, 1, 80).round(3)
TABLE = pd.DataFrame({"ds": DAYS, "y": 100 + 3 * X, "x": X})


def known(frame, spec=None, **options):
    panel, _ = to_panel(frame, **options)
    return attach(panel, frame, spec or Spec(("x",)), "unique_id")[0]


PAST, AHEAD = TABLE[:70], TABLE[70:].drop(columns="y")
BERLIN = [t.assign(ds=t["ds"].dt.tz_localize("Europe/Berlin")) for t in (PAST, AHEAD)]
HOURS = pd.DataFrame({"ds": pd.date_range("2024-06-01", periods=80, freq="h"), "y": X, "x": X})
HOURS_BERLIN = HOURS.assign(ds=HOURS["ds"].dt.tz_localize("Europe/Berlin"))


def expect(panel, ahead):
    np.testing.assert_array_equal(
        future(panel, ahead, "unique_id", 7)[0, :, 0], np.float32(X[70:77])
    )


def test_future_values_are_put_on_their_days():
    expect(known(PAST), AHEAD)
    expect(known(PAST), AHEAD[::-1])
    expect(known(PAST), TABLE)  # other rows are passed over
    expect(known(PAST), pd.concat([AHEAD, AHEAD]))  # twice the same says one thing
    expect(known(BERLIN[0]), BERLIN[1])
    expect(known(BERLIN[0]), BERLIN[1].assign(ds=BERLIN[1]["ds"].dt.tz_convert("UTC")))
    expect(known(HOURS_BERLIN[:70]), HOURS_BERLIN.assign(ds=HOURS_BERLIN.ds.dt.tz_convert("UTC")))
    texts = AHEAD.assign(ds=AHEAD["ds"].dt.strftime("%d/%m/%Y"), x=AHEAD["x"].astype(str))
    expect(known(PAST), texts)


SLOW = pd.DataFrame({"ds": pd.date_range(DAYS[70], periods=240, freq="h"), "x": 1.0})
REFUSED = {
    "two values for a day": (PAST, pd.concat([AHEAD, AHEAD.assign(x=-AHEAD.x)]), "'x' has two val"),
    "hours for days": (PAST, SLOW, "X_df: ds: 2024-03-11 01:00 .* lies between the steps"),
    "a local clock without its zone": (HOURS_BERLIN[:70], HOURS, "has no time zone, the model's"),
    "days at midnight in UTC": (
        BERLIN[0], AHEAD.assign(ds=AHEAD.ds.dt.tz_localize("UTC")), "lies between the steps",
    ),
    "numbers for days": (PAST, AHEAD.assign(ds=range(10)), "X_df: ds holds whole numbers"),
    "no time column": (PAST, AHEAD.drop(columns="ds"), "there is no column 'ds'"),
    "a word among numbers": (
        PAST, AHEAD.assign(x=["1", "2", "much", *map(str, range(7))]), "'much' in row 3 is not",
    ),
    "nothing known": (PAST, AHEAD.assign(x=[*["1"] * 6, "NA", *["1"] * 3]), "no known value"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_future_values_that_do_not_fit_are_refused(case):
    past, ahead, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as caught:
        future(known(past), ahead, "unique_id", 7)
    assert "\n" not in str(caught.value)


def test_rows_without_a_name_beside_several_series_are_refused():
    both = pd.concat([PAST.assign(unique_id="a"), PAST.assign(unique_id="b")])
    with pytest.raises(ValueError, match="X_df: there is no column 'unique_id': to which of 2"):
        future(known(both), AHEAD, "unique_id", 7)


@pytest.mark.parametrize("word", ["NA", "-", "", "null", "?", "n/a"])
def test_a_covariate_of_numbers_with_a_word_for_nothing_is_no_category(word, tmp_path):
    texts = [f"{value:.3f}".replace(".", ",") for value in X[:70]]
    texts[30] = word
    frame = PAST.assign(x=texts, ds=PAST["ds"].dt.strftime("%d.%m.%Y"))
    frame.to_csv(tmp_path / "a.csv", sep=";", index=False, decimal=",")
    panel = known(tmp_path / "a.csv")
    assert panel.covariates.categories == {}
    wanted = X[:70].astype(np.float32)
    wanted[30] = wanted[29]  # a missing value is that of the step before
    np.testing.assert_array_equal(panel.exog[:, 0], wanted)


def test_texts_are_categories_and_one_word_among_numbers_a_mistake():
    panel = known(PAST.assign(x=["rain", "sun"] * 35))
    assert panel.covariates.categories == {"x": ("rain", "sun")}
    with pytest.raises(ValueError, match="x: 'broken' in row 3 is not a number"):
        known(PAST.assign(x=["1", "2", "broken", *["3"] * 67]))
    named = PAST.assign(x=pd.Categorical(["1", "2", "three", *["3"] * 67]))
    assert known(named).covariates.categories == {"x": ("1", "2", "3", "three")}


def test_rows_of_one_time_with_two_values_of_a_covariate_are_refused():
    from carrousel.data import ReadOptions
    from carrousel.data.read import open_table

    frame = pd.concat([PAST, PAST[:1].assign(x=9.0)])
    panel, _ = to_panel(frame, reading=ReadOptions(aggregate="sum"))
    table = open_table(frame, ("unique_id", "ds", "y"), ("x",), ReadOptions(aggregate="sum"))
    with pytest.raises(ValueError, match=r"x has two values, .* and 9, for 2024-01-01"):
        attach(panel, table, Spec(("x",)), "unique_id")


def test_names_with_blanks_are_the_same_beside_covariates(tmp_path):
    PAST.assign(unique_id="shop 1 ").to_csv(tmp_path / "a.csv", index=False)
    fitted = Forecaster(3, futr_exog=["x"], **QUICK).fit(tmp_path / "a.csv")
    assert fitted.panel_.ids == ["shop 1"]


def test_lazy_frames_go_in_everywhere():
    table = pl.from_pandas(PAST.drop(columns="x"))
    fitted = Forecaster(3, **QUICK).fit(table.lazy())
    for out in (
        fitted.predict(),
        fitted.predict(table.lazy()),
        fitted.update(table.lazy()).predict(),
    ):
        assert isinstance(out, pl.DataFrame)
    assert isinstance(Forecaster(3, **QUICK).backtest(table.lazy()), pl.DataFrame)
    fitted = Forecaster(3, futr_exog=["x"], **QUICK).fit(pl.from_pandas(PAST).lazy())
    assert fitted.predict(X_df=pl.from_pandas(AHEAD).lazy()).shape[0] == 3


def test_later_tables_are_read_as_the_first_one_was(tmp_path):
    """03/04 and 1.034 may be two things alone, but not after a history that told."""
    days = pd.date_range("2024-01-01", periods=92)
    y = 900 + np.arange(92) * 3
    german = [f"{value:,}".replace(",", ".") for value in y]
    frame = pd.DataFrame({"ds": days.strftime("%d/%m/%Y"), "y": german})
    Forecaster(3, **QUICK).fit(frame).save(tmp_path / "model")
    fitted = Forecaster.load(tmp_path / "model")
    fitted.update(pd.DataFrame({"ds": ["02/04/2024", "03/04/2024"], "y": ["1.180", "1.183"]}))
    assert fitted.panel_.ends[0] == np.datetime64("2024-04-03")
    assert fitted.panel_.y[-2:].tolist() == [1180, 1183]
    assert "'ds' read as day/month/year" in fitted.notes_


def test_dates_go_on_where_the_series_ended():
    frame = pd.DataFrame({"ds": DAYS, "y": np.arange(80.0)})
    fitted = Forecaster(3, **QUICK).fit(frame)  # ends on 20 March 2024
    fitted.update(pd.DataFrame({"ds": ["21/03/24", "22/03/24"], "y": [1.0, 2.0]}))
    assert fitted.panel_.ends[0] == np.datetime64("2024-03-22")
    with pytest.raises(ValueError, match="day/month or month/day"):
        fitted.update(pd.DataFrame({"ds": ["02/03/24"], "y": [1.0]}))  # or 3 February: also known


def test_new_rows_are_combined_and_filled_as_the_options_say():
    frame = pd.DataFrame({"ds": DAYS.repeat(2), "y": 1.0})
    fitted = Forecaster(3, aggregate="sum", fill="zero", **QUICK).fit(frame)
    assert fitted.panel_.y.tolist() == [2.0] * 80
    new = pd.DataFrame({"ds": [DAYS[-1] + pd.Timedelta(days=3)] * 3, "y": 1.0})
    fitted.update(new)
    assert fitted.panel_.y[-3:].tolist() == [0, 0, 3]
    assert fitted.notes_ == ["3 rows made 1 row by their sum", "2 gaps filled with zero"]
