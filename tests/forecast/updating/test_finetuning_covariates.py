"""Learning on with covariates and groups: what is known keeps its meaning, what is new is new."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from tests.forecast.conftest import speak_up
from tests.forecast.updating.test_update_covariates import H, make

from carrousel import Forecaster
from carrousel.data import to_panel
from carrousel.forecast.network.covariates import Extra
from carrousel.forecast.network.growth import grown
from carrousel.forecast.network.network import Network
from carrousel.forecast.network.shape import Shape

ALL = {
    "futr_exog": ["promotion", "weather"],
    "hist_exog": ["visits"],
    "static_exog": ["region"],
    "calendar": True,
}
STILL = {"learning_rate": 1e-12, "max_steps": 1}  # starts where the other ended
TABLE = make(90)
COMING = make(90 + H).filter(pl.int_range(pl.len()).over("unique_id") >= 90)
SNOW = TABLE.with_columns(
    weather=pl.when(pl.col("unique_id") == "b").then(pl.lit("snow")).otherwise(pl.col("weather")),
    region=pl.when(pl.col("unique_id") == "d").then(pl.lit("east")).otherwise(pl.col("region")),
)


def learned(**options):
    forecaster = Forecaster(
        H, "gru", max_steps=3, ensemble=2, hidden_size=6, batch_size=8, context=21, **options
    ).fit(TABLE)
    speak_up(forecaster, seed=1)
    return forecaster


@pytest.fixture(scope="module")
def base():
    return learned(**ALL)


def medians(forecaster, data=TABLE, coming=COMING):
    X_df = coming.drop("y") if forecaster.options.futr_exog else None
    return forecaster.predict(data, X_df=X_df)["carrousel"].to_numpy().reshape(-1, H)


def as_measured_by(base, tuned):
    """What is measured on the series anew, not learned, is that of the other forecaster."""
    for ours, theirs in zip(tuned.networks_, base.networks_, strict=True):
        for name in ("interval_scale", "prior", "wander"):
            getattr(ours, name).copy_(getattr(theirs, name))


def test_it_starts_where_the_other_ended(base, tmp_path):
    base.save(tmp_path)
    turned = {**ALL, "futr_exog": ["weather", "promotion"]}  # in whatever order they are named
    # The categories of these rows alone would have other codes: no rain, no south.
    few = TABLE.filter(pl.col("unique_id").is_in(["b", "d"])).with_columns(weather=pl.lit("sun"))
    tuned = Forecaster(H, **STILL, **turned).fit(few, init=tmp_path)
    assert tuned.panel_.covariates.categories == base.panel_.covariates.categories
    as_measured_by(base, tuned)
    np.testing.assert_allclose(medians(tuned), medians(base), rtol=1e-6)


def test_new_categories_stand_behind_the_known_ones(base):
    tuned = Forecaster(H, **STILL, **ALL).fit(SNOW, init=base)
    assert tuned.panel_.covariates.categories == {
        "weather": ("rain", "sun", "snow"), "region": ("north", "south", "east")
    }  # fmt: skip
    np.testing.assert_allclose(medians(tuned), medians(base), rtol=1e-5)  # of what was known
    fresh = medians(tuned, SNOW, COMING.with_columns(weather=pl.lit("snow")))
    known = medians(tuned, SNOW.with_columns(weather=pl.lit("rain")), COMING)
    assert np.isfinite(fresh).all()
    assert not np.allclose(fresh[1], known[1])
    assert len(base.panel_.covariates.categories["weather"]) == 2  # the other is as it was


def test_what_is_new_is_learned(base):
    tuned = Forecaster(H, max_steps=30, ensemble=1, **ALL).fit(SNOW, init=base)
    covariates = tuned.networks_[0].covariates
    first = grown(base.networks_[0], tuned.networks_[0].shape).covariates
    changed = (covariates.futr.embeddings[0].weight - first.futr.embeddings[0].weight).abs()
    assert changed[3].min() > 1e-4  # of snow, in every number
    assert (covariates.static.embeddings[0].weight[3] != first.static.embeddings[0].weight[3]).all()


@pytest.mark.parametrize("sizes", [(2,), (2, 0, 5), (1, 1)])
def test_growth_changes_nothing_that_was_known(sizes):
    torch.manual_seed(0)
    shape = Shape(3, "lstm", 2, 4, (2, 4), 6, 1, futr=sizes, hist=(0, 2), static=sizes)
    network = Network(shape).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    larger = tuple(size and 3 * size + 4 for size in sizes)
    more = grown(network, replace(shape, futr=larger, hist=(0, 9), static=larger))
    codes = [torch.randint(-1, max(size, 1), (5, 11)).float() for size in sizes]
    futr = torch.stack([torch.where(code < 0, torch.nan, code) for code in codes], -1)
    hist = torch.stack([torch.randn(5, 8), torch.randint(0, 2, (5, 8)).float()], -1)
    extra, history = Extra(futr, hist, futr[:, 0]), torch.randn(5, 8)
    with torch.no_grad():
        one, other = (n(history, extra=extra).quantiles() for n in (network, more))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_members_of_a_group_join_on_their_own():
    base = learned(groups=True)
    both = pl.concat([TABLE, make(90, ("e",), seed=4)])
    tuned = Forecaster(H, **STILL, groups=True).fit(both, init=base)
    assert tuned.panel_.covariates.members == ("a", "b", "c", "d", "e")
    as_measured_by(base, tuned)
    found = medians(tuned, both)
    np.testing.assert_allclose(found[:4], medians(base), rtol=1e-6)
    # Alone it reads nothing of the others: they may be whatever they are.
    other = both.with_columns(y=pl.when(pl.col("unique_id") == "e").then("y").otherwise(1.0))
    np.testing.assert_allclose(medians(tuned, other)[4], found[4], rtol=1e-6)
    tuned = Forecaster(H, groups=True, max_steps=20, ensemble=1).fit(both, init=base)
    assert tuned.networks_[0].group.leave[4].weight.abs().max() > 0
    assert tuned.networks_[0].group.enter[4].weight.abs().max() > 0


def test_series_join_groups_of_a_column():
    base = learned(groups="region")
    both = pl.concat([SNOW, make(90, ("e", "f"), seed=4)])
    tuned = Forecaster(H, **STILL, groups="region").fit(both, init=base)
    assert tuned.panel_.covariates.categories == {"region": ("north", "south", "east")}
    assert np.isfinite(medians(tuned, both)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"futr_exog": ["promotion"]}, "futr_exog: 'weather' missing; init was trained with it"),
        ({"hist_exog": []}, "hist_exog: 'visits' missing; init was trained with it"),
        ({"hist_exog": ["visits", "size"]}, "hist_exog: 'size' too much; init was trained without"),
        ({"static_exog": []}, "static_exog: 'region' missing"),
        ({"calendar": False}, "calendar: 'weekday' missing"),
        ({"calendar": ["weekday", "hour"]}, "calendar: 'hour' too much"),
        ({"holidays": "DE"}, "holidays: init was trained without them, got 'DE'"),
        ({"groups": True}, "groups: init has False, got True"),
    ],
    ids=str,
)
def test_other_columns_are_refused_by_name(change, message, base):
    with pytest.raises(ValueError, match=message):
        Forecaster(H, **{**ALL, **change}).fit(TABLE.with_columns(size=1.0), init=base)


def test_other_kinds_and_missing_options_are_refused(base):
    with pytest.raises(ValueError, match="futr_exog: 'promotion', 'weather' missing; init was"):
        Forecaster(H).fit(TABLE, init=base)
    text = TABLE.with_columns(promotion=pl.lit("much"))
    with pytest.raises(ValueError, match="promotion: init was trained with numbers in it, now"):
        Forecaster(H, **ALL).fit(text, init=base)
    plain = Forecaster(H, max_steps=1, ensemble=1).fit(TABLE)
    with pytest.raises(ValueError, match="static_exog: 'region' too much; init was trained"):
        Forecaster(H, static_exog=["region"]).fit(TABLE, init=plain)
    with pytest.raises(ValueError, match="a Panel has no columns"):
        Forecaster(H, **ALL).fit(to_panel(TABLE)[0], init=base)
