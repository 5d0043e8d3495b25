"""States that go on with covariates and groups, against one pass over all steps."""

import numpy as np
import polars as pl
import pytest
import torch
from tests.forecast.conftest import speak_up

from carrousel import Forecaster
from carrousel.data.covariates import future, group_codes
from carrousel.forecast.network.covariates import Extra
from carrousel.forecast.network.groups import Together
from carrousel.forecast.tables import to_learn_from

H, OLD, LENGTH = 3, 60, 83
EXOG = {"futr_exog": ["promotion", "weather"], "hist_exog": ["visits"]}
STATIC = {"static_exog": ["region"]}
FAST = {"max_steps": 2, "hidden_size": 6, "num_layers": 2, "batch_size": 8, "context": 20}


def make(length=LENGTH + H, names=("a", "b", "c", "d"), seed=0):
    rng, parts = np.random.default_rng(seed), []
    for s, name in enumerate(names):
        parts.append(
            pl.DataFrame(
                {
                    "unique_id": [name] * length,
                    "ds": np.datetime64("2024-01-01", "us") + np.arange(length).astype("m8[D]"),
                    "y": 100 + np.cumsum(rng.standard_normal(length)),
                    "promotion": rng.random(length),
                    "weather": np.where(rng.random(length) < 0.5, "sun", "rain"),
                    "visits": rng.standard_normal(length),
                    "region": "north" if s % 2 else "south",
                }
            )
        )
    return pl.concat(parts)


TABLE = make()
DAY = pl.int_range(pl.len()).over("unique_id")
FIRST, NEW = TABLE.filter(DAY < OLD), TABLE.filter((DAY >= OLD) & (DAY < LENGTH))
COMING = TABLE.filter(DAY >= LENGTH).drop("y")
CASES = {
    "known ahead": EXOG,
    "static": STATIC,
    "calendar": {"calendar": ["weekday"], "hist_exog": ["visits"]},
    "all together": {**EXOG, **STATIC, "calendar": ["weekday"], "groups": True},
    "groups": {"groups": "region"},
}


def learned(cell="lstm", data=FIRST, **options):
    """A forecaster whose every weight says something."""
    forecaster = Forecaster(H, cell, ensemble=2, season_length=4, **FAST, **options).fit(data)
    speak_up(forecaster, seed=3)
    return forecaster


def days(table):
    return table.sort("ds", maintain_order=True).partition_by("ds", maintain_order=True)


@torch.no_grad()
def one_pass(forecaster, table, started=OLD, coming=COMING):
    """(S, h, Q): the steps of the window at ``started`` and all later ones of one phase at once."""
    panel, _, _ = to_learn_from(table, forecaster.options)
    shape, n = forecaster.networks_[0].shape, int(panel.lengths[0])
    y = torch.from_numpy(panel.y.reshape(panel.n_series, n)).float()
    exog = torch.from_numpy(panel.exog.reshape(panel.n_series, n, -1))
    first = n - (n - started) // shape.patch * shape.patch
    first -= shape.patch * (first > started)
    encode, past = forecaster.networks_[0].encode, shape.history
    shown = [encode(y[:, first - past : first]).features]
    for end in range(first + shape.patch, n + 1, shape.patch):
        shown.append(encode(y[:, end - past : end]).features[:, -1:])
    together, codes = None, group_codes(panel)
    if codes is not None:
        codes = [torch.from_numpy(part) for part in codes]
        together = Together(*codes, torch.ones(panel.n_series))
    known, static = len(shape.futr), torch.from_numpy(panel.static)

    def extra(begin, more):
        futr, hist = exog[:, begin:, :known], exog[:, begin:, known:]
        return Extra(torch.cat([futr, *more], 1), hist, static, together)

    ahead = future(panel, coming, "unique_id", H)
    more = [] if ahead is None else [torch.from_numpy(ahead)]
    seen = encode(y[:, n - past :], last=True, extra=extra(n - past, more))
    members = []
    for network in forecaster.networks_:
        whole = seen._replace(features=torch.cat(shown, 1), extra=extra(first - past, []))
        x = network.recurrence(network.embedded(whole))[0]
        out = network.heads(x[:, -1:], seen)
        members.append(network.decode(out, seen.scaled, seen.anchors).quantiles()[:, 0])
    return torch.stack(members).mean(0).numpy()


def forecast(forecaster, coming=COMING):
    return forecaster._forecast(None, coming)[2]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "ann"])
def test_day_by_day_is_one_pass(case, cell):
    forecaster = learned(cell, **CASES[case])
    for rows in days(NEW):
        forecaster.update(rows)
        assert forecaster.notes_ == []
    expected = one_pass(forecaster, TABLE.filter(DAY < LENGTH))
    np.testing.assert_allclose(forecast(forecaster), expected, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_at_once_or_through_the_disk_is_the_same(case, tmp_path):
    forecaster = learned(**CASES[case])
    forecaster.save(tmp_path / "first")
    whole = Forecaster.load(tmp_path / "first").update(NEW.sample(fraction=1, shuffle=True, seed=1))
    rows = days(NEW)
    forecaster.update(pl.concat(rows[:9])).save(tmp_path / "second")
    again = Forecaster.load(tmp_path / "second")
    for more in rows[9:]:
        again.update(more)
    np.testing.assert_allclose(forecast(again), forecast(whole), rtol=1e-5)
    names = [name for name in whole.panel_.covariates.names if name not in ("region",)]
    kept = whole.panel_.lengths[0]
    for k, name in enumerate(names):
        if name != "weather":
            known = TABLE.filter((pl.col("unique_id") == "b") & (DAY < LENGTH))[name]
            column = k if name != "visits" else -1
            found = whole.panel_.exog[kept : 2 * kept, column]
            np.testing.assert_allclose(found, known[-kept:], rtol=1e-6)


def test_what_comes_counts():
    """Each column of the new rows moves the forecast, and only of its own series."""
    forecaster = learned(**EXOG)
    usual = forecast(forecaster.update(NEW))
    for name, value in {"promotion": 9.0, "weather": "rain", "visits": 5.0}.items():
        changed = pl.when(pl.col("unique_id") == "b").then(pl.lit(value)).otherwise(pl.col(name))
        other = forecast(learned(**EXOG).update(NEW.with_columns(changed.alias(name))))
        moved = ~np.isclose(usual, other, rtol=1e-9).all((1, 2))
        assert moved.tolist() == [False, True, False, False]


def test_gaps_and_missing_covariates_take_the_value_before():
    gap = (pl.col("ds").dt.day() == 5) & (pl.col("unique_id") == "a")
    new = NEW.filter(~gap).with_columns(
        promotion=pl.when(pl.col("ds").dt.day() == 9).then(None).otherwise(pl.col("promotion")),
        weather=pl.when(pl.col("ds").dt.day() == 8).then(pl.lit("")).otherwise(pl.col("weather")),
    )
    forecaster = learned(**EXOG, **STATIC)
    forecaster.update(new)
    gaps = NEW.filter(gap).height
    # Each gap lacks three columns; days 8 and 9 of four series lack one each.
    assert forecaster.notes_ == [
        f"{gaps} gap{'s' * (gaps > 1)} filled as missing",
        f"{3 * gaps + 4 + 4} covariates filled with the value before",
    ]
    whole = pl.concat([FIRST, new])
    np.testing.assert_allclose(forecast(forecaster), one_pass(forecaster, whole), rtol=1e-5)


def test_late_rows_and_rows_known_already():
    late = (pl.col("ds") == NEW["ds"][10]) & (pl.col("unique_id") == "c")
    forecaster = learned(**EXOG).update(NEW.filter(~late))
    forecaster.update(NEW)
    assert forecaster.notes_ == [
        f"{len(NEW) - 1} rows known already",
        "1 late row put in place; the memory of 1 series begins again from its last values",
    ]
    expected = forecaster._forecast(forecaster.panel_, COMING)[2]
    np.testing.assert_allclose(forecast(forecaster)[2], expected[2], rtol=1e-5)
    changed = NEW.tail(1).with_columns(promotion=pl.lit(7.0))  # the value as it was
    forecaster.update(changed)
    assert "1 late row put in place" in forecaster.notes_[0]
    assert forecaster.panel_.exog[-1, 0] == 7.0


def test_a_late_row_begins_its_whole_group_again():
    forecaster = learned(groups="region", static_exog=["region"]).update(NEW)
    before = forecast(forecaster)
    forecaster.update(NEW.tail(2).head(1).with_columns(y=pl.lit(120.0)))  # of d, in the north
    assert "the memory of 2 series begins again" in forecaster.notes_[0]
    expected = forecaster.predict_quantiles(forecaster.panel_)
    np.testing.assert_allclose(forecast(forecaster)[1::2], expected[1::2], rtol=1e-5)
    np.testing.assert_array_equal(forecast(forecaster)[::2], before[::2])


@pytest.mark.parametrize("case", ["known ahead", "groups"])
def test_series_that_are_taken_in(case):
    new = make(LENGTH, ("e",), seed=5)
    forecaster = learned(**CASES[case], **(STATIC if case != "groups" else {}))
    with pytest.raises(ValueError, match="does not hold series 'e'; take them in with add=True"):
        forecaster.update(pl.concat([NEW, new]))
    forecaster.update(pl.concat([NEW, new]), add=True)
    assert forecaster.notes_ == ["1 new series taken in"]
    coming = pl.concat([COMING, make(LENGTH + H, ("e",), seed=5).tail(H).drop("y")])
    found = forecast(forecaster, coming)
    alone = forecaster._forecast(forecaster.panel_, coming)[2]
    np.testing.assert_allclose(found[4], alone[4], rtol=1e-5)
    if case == "groups":  # a, c and e are in the south, whose states began again
        np.testing.assert_allclose(found[[0, 2]], alone[[0, 2]], rtol=1e-5)
    old = [1, 3] if case == "groups" else [0, 1, 2, 3]
    expected = forecast(learned(**CASES[case], **(STATIC if case != "groups" else {})).update(NEW))
    np.testing.assert_allclose(found[old], expected[old], rtol=1e-5)
    more = make(LENGTH + H, (*"abcd",)).filter(DAY == LENGTH)
    one = make(LENGTH + H, ("e",), seed=5).filter(DAY == LENGTH)
    forecaster.update(pl.concat([more, one]))
    assert forecaster.notes_ == []


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        (EXOG, NEW.drop("promotion"), "futr_exog: there is no column 'promotion'; the columns are"),
        (EXOG, NEW.drop("visits"), "hist_exog: there is no column 'visits'; the columns are"),
        (EXOG, NEW.with_columns(promotion=pl.lit("many")), "promotion: 'many' in row 1 is not a"),
        (EXOG, pl.concat([NEW, NEW.tail(1).with_columns(promotion=pl.lit(0.5))]),
         "ds: two values of 'promotion' for 2024-03-23 of series 'd'; keep one"),
        (STATIC, NEW.with_columns(region=pl.lit("north")),
         "static_exog: 'region' of series 'a' is 'north' in these rows"),
        ({"groups": "region"}, NEW.filter(pl.col("unique_id") != "b"),
         "groups: series of a group must end at the same time, but 'b' ends at 2024-02-29"),
        ({"groups": True}, NEW.head(-1), "but 'd' ends at 2024-03-22 and its group at 2024-03-23"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(options, rows, message):
    forecaster = learned(**options)
    before = forecaster._forecast(None, TABLE.drop("y"))[2]
    with pytest.raises(ValueError, match=message):
        forecaster.update(rows)
    np.testing.assert_array_equal(forecaster._forecast(None, TABLE.drop("y"))[2], before)


def test_an_added_series_must_have_its_columns_and_end_with_its_group():
    new = make(LENGTH - 2, ("e",), seed=5)
    grouped = learned(groups="region")
    with pytest.raises(ValueError, match="but 'e' ends at 2024-03-21 and its group at 2024-03-23"):
        grouped.update(pl.concat([NEW, new]), add=True)
    with pytest.raises(ValueError, match="static_exog: there is no column 'region'"):
        grouped.update(pl.concat([NEW, new]).drop("region"), add=True)
    with pytest.raises(ValueError, match="series 'e' are not of the group that was learned"):
        learned(groups=True).update(pl.concat([NEW, make(LENGTH, ("e",))]), add=True)


def test_static_columns_may_stay_away_and_new_categories_are_said():
    forecaster = learned(**EXOG, **STATIC)
    forecaster.update(NEW.drop("region"))
    expected = forecast(learned(**EXOG, **STATIC).update(NEW))
    np.testing.assert_array_equal(forecast(forecaster), expected)
    last = NEW.filter(pl.col("ds") == NEW["ds"].max())
    last = last.with_columns(ds=pl.col("ds") + pl.duration(days=1))
    forecaster.update(last.with_columns(weather=pl.lit("snow")))
    assert forecaster.notes_ == [
        "4 covariates filled with the value before",
        "'weather': 'snow' not seen in training, taken as missing",
    ]


def test_panels_paths_and_future_values(tmp_path):
    forecaster = learned(**EXOG, **STATIC)
    with pytest.raises(ValueError, match=r"X_df: the model uses columns that are known ahead"):
        forecaster.update(NEW).predict()
    usual = forecaster.predict(X_df=TABLE)  # rows that are known are passed over
    NEW.with_columns(unique_id=pl.col("unique_id") + "  ").write_csv(tmp_path / "new.csv")
    from_file = learned(**EXOG, **STATIC).update(tmp_path / "new.csv")
    np.testing.assert_allclose(
        from_file.predict(X_df=COMING)["carrousel"], usual["carrousel"], rtol=1e-6
    )
    panel, _, _ = to_learn_from(NEW, forecaster.options)
    from_panel = learned(**EXOG, **STATIC).update(panel)
    np.testing.assert_allclose(
        from_panel.predict(X_df=COMING)["carrousel"], usual["carrousel"], rtol=1e-6
    )
