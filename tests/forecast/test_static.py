"""Static covariates in a table of their own are those of a table that has them in every row."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel import Forecaster

OPTIONS = {"effort": "fast", "max_steps": 3, "ensemble": 1, "hidden_size": 8}
SHOPS = pd.DataFrame({"unique_id": ["b", "a"], "size": [7.5, 2.0], "town": ["Lyon", "Bonn"]})


def sales(names=("a", "b"), rows=60, first="2024-01-01"):
    rng = np.random.default_rng(0)
    days = pd.date_range(first, periods=rows)
    return pd.concat(
        pd.DataFrame({"unique_id": name, "ds": days, "y": rng.normal(50, 5, rows)})
        for name in names
    )


def learner(**more):
    return Forecaster(4, **OPTIONS, static_exog=["size", "town"], **more)


@pytest.mark.parametrize("groups", [False, "town"])
def test_the_forecast_is_that_of_the_joined_table(groups):
    table, options = sales(), {"groups": groups}
    joined = table.merge(SHOPS, on="unique_id")
    one = learner(**options).fit(joined)
    other = learner(**options).fit(table, static_df=SHOPS)
    pd.testing.assert_frame_equal(one.predict(), other.predict())
    pd.testing.assert_frame_equal(
        one.predict(joined), other.predict(table, static_df=SHOPS.set_index("unique_id"))
    )
    pd.testing.assert_frame_equal(
        one.backtest(joined, 2), other.backtest(table, 2, static_df=pl.from_pandas(SHOPS))
    )


def test_new_series_of_an_update_bring_theirs(tmp_path):
    table, new = sales(), sales(("c",))
    shops = pd.concat([SHOPS[:0], pd.DataFrame({"unique_id": ["c"], "size": [3], "town": "Lyon"})])
    shops.to_csv(tmp_path / "shops.csv", sep=";", index=False)
    one = learner().fit(table, static_df=SHOPS)
    other = learner().fit(table, static_df=SHOPS)
    more = pd.concat([sales(rows=2, first="2024-03-01"), new])
    one.update(more, add=True, static_df=tmp_path / "shops.csv")
    everything = pd.concat([SHOPS, shops.astype({"size": float})])
    other.update(more.merge(everything, on="unique_id"), add=True)
    pd.testing.assert_frame_equal(one.predict(), other.predict())
    np.testing.assert_array_equal(one.panel_.static, other.panel_.static)


WRONG = {
    "no column": (SHOPS.drop(columns="town"), "there is no column 'town'"),
    "no names": (SHOPS.drop(columns="unique_id"), "static_df: there is no column 'unique_id'"),
    "missing": (SHOPS[:1], "static_df: no row for series 'a'; there are 'b'"),
    "twice": (pd.concat([SHOPS, SHOPS[:1].assign(size=8)]), "series 'b' has several rows"),
    "nameless": (SHOPS.assign(unique_id=["a", None]), "unique_id: row 2 has no name"),
    "infinite": (SHOPS.assign(size=np.inf), "size: the value in row 1 is infinite"),
    "no table": (7, "df must be"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_table_that_cannot_be_is_refused(name):
    wrong, message = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=message):
        learner().fit(sales(), static_df=wrong)


def test_what_is_given_in_vain_is_refused_or_said():
    table = sales()
    with pytest.raises(ValueError, match="static_df: name its columns with static_exog"):
        Forecaster(4, **OPTIONS).fit(table, static_df=SHOPS)
    with pytest.raises(ValueError, match="'size' stands in the table of the series, too"):
        learner().fit(table.assign(size=1.0), static_df=SHOPS)
    with pytest.raises(ValueError, match="static_df: the series have no column 'unique_id'"):
        learner().fit(table[:60].drop(columns="unique_id"), static_df=SHOPS)
    twice = pd.concat([SHOPS, SHOPS, SHOPS.assign(unique_id=["c", "d"])])
    forecaster = learner().fit(table, static_df=twice)
    assert "static_df: 2 rows of other series passed over" in forecaster.notes_
    with pytest.raises(ValueError, match="static_df: the model holds those of its series"):
        forecaster.predict(static_df=SHOPS)
    with pytest.raises(ValueError, match="static_df: a Panel holds its covariates"):
        forecaster.predict(forecaster.panel_, static_df=SHOPS)
