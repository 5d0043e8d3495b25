"""Groups: what one series shows moves the forecast of another, and only within the group."""

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.data import to_panel
from carrousel.data.covariates import Spec, attach
from carrousel.forecast.network.groups import Group, Members, Together
from carrousel.forecast.network.network import Dense

H = 3


def table(n=300, pairs=1, seed=0, **columns):
    """Leaders that are noise, and followers that repeat them three days later."""
    rng, parts = np.random.default_rng(seed), []
    for p in range(pairs):
        lead = 100 + 10 * rng.standard_normal(n)
        follow = np.r_[np.full(H, 100.0), lead[:-H]] + 0.3 * rng.standard_normal(n)
        for name, y in (("lead", lead), ("follow", follow)):
            parts.append(
                pl.DataFrame(
                    {
                        "unique_id": [f"{name}{p}"] * n,
                        "ds": np.arange(n),
                        "y": y,
                        "pair": [f"pair {p}"] * n,
                    }
                )
            )
    return pl.concat(parts)


def error_of_followers(frame, **options):
    found = Forecaster(
        H, max_steps=250, ensemble=1, hidden_size=16, context=24, season_length=3, seed=0, **options
    )
    past = found.backtest(frame, 5).filter(pl.col("unique_id").str.starts_with("follow"))
    return (past["carrousel"] - past["y"]).abs().mean()


def test_a_follower_learns_from_its_leader():
    alone = error_of_followers(table())
    assert error_of_followers(table(), groups=True) < 0.6 * alone


@pytest.fixture(scope="module", params=["all", "column"])
def fitted(request):
    groups = True if request.param == "all" else "pair"
    forecaster = Forecaster(H, max_steps=3, ensemble=1, groups=groups).fit(table(80, 2))
    with torch.no_grad():
        for leave in forecaster.networks_[0].group.leave:
            leave.weight.normal_()
        forecaster.networks_[0].head.weight.normal_()
    return forecaster


def test_other_series_move_a_forecast_within_the_group(fitted):
    frame = table(80, 2)
    last = (pl.col("unique_id") == "lead0") & (pl.col("ds") == 79)
    moved = frame.with_columns(y=pl.col("y") + 30 * last)
    before = fitted.predict(frame)["carrousel"].to_numpy().reshape(4, H)
    after = fitted.predict(moved)["carrousel"].to_numpy().reshape(4, H)
    same = np.isclose(before, after, rtol=1e-6).all(1)
    one_group = fitted.options.groups is True
    assert same.tolist() == [False, False, not one_group, not one_group]


def test_order_of_series_does_not_matter(fitted):
    frame = table(80, 2)
    turned = pl.concat([frame.filter(pl.col("unique_id") == name)
                        for name in ("follow1", "lead0", "lead1", "follow0")])  # fmt: skip
    a = fitted.predict(frame).sort("unique_id", "ds")["carrousel"]
    b = fitted.predict(turned).sort("unique_id", "ds")["carrousel"]
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_saved_and_backtested(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    again = Forecaster.load(tmp_path / "m")
    frame = table(80, 2)
    assert again.predict(frame).equals(fitted.predict(frame))
    np.testing.assert_allclose(
        again.predict()["carrousel"], fitted.predict()["carrousel"], rtol=1e-5
    )
    several = fitted.window_quantiles(fitted._panel, [4, 2])
    for k, drop in enumerate((4, 2)):
        alone = fitted.window_quantiles(fitted._panel, [drop])[0]
        np.testing.assert_allclose(several[k], alone, rtol=1e-5)


def test_members_of_a_batch():
    late = table(20).filter((pl.col("unique_id") != "lead0") | (pl.col("ds") >= 5))
    panel, _ = to_panel(late)  # lead0 begins five steps later
    panel, _ = attach(panel, None, Spec(groups=True), "unique_id")
    members = Members.of(panel)
    series, end = members.expand(torch.tensor([0, 0]), torch.tensor([10, 10]))
    assert series.tolist() == [0, 1, 0, 1]
    assert end.tolist() == [10, 15 + 15, 10, 30]  # the same time: step 15
    found = members.together(series, end)
    assert found.instance.tolist() == [0, 0, 0, 0]
    assert found.slot.tolist() == [0, 1, 0, 1]
    assert found.share.tolist() == [0.5] * 4


@pytest.mark.parametrize("members", [0, 2])
def test_the_same_rows_twice_are_one_group(members):
    torch.manual_seed(0)
    group = Group(Dense(4, 4), 3, 4, members)
    for leave in group.leave:
        torch.nn.init.normal_(leave.weight)
    features = torch.randn(2, 5, 3)
    slot = torch.arange(2) if members else torch.zeros(2, dtype=torch.long)
    once, _ = group(features, Together(torch.zeros(2, dtype=torch.long), slot, torch.ones(2)))
    twice, _ = group(
        features.repeat(2, 1, 1),
        Together(torch.zeros(4, dtype=torch.long), slot.repeat(2), torch.full((4,), 0.5)),
    )
    torch.testing.assert_close(twice, once.repeat(2, 1, 1))


def test_errors_name_the_series():
    uneven = table(40).filter((pl.col("unique_id") != "lead0") | (pl.col("ds") < 30))
    with pytest.raises(ValueError, match="must end at the same time, but 'lead0' ends at 29"):
        Forecaster(H, max_steps=2, groups=True).fit(uneven)
    fitted = Forecaster(H, max_steps=2, ensemble=1, groups=True).fit(table(40))
    strange = table(40).with_columns(unique_id=pl.col("unique_id").str.replace("lead0", "new"))
    with pytest.raises(ValueError, match="series 'new' are not of the group that was learned"):
        fitted.predict(strange)
    with pytest.raises(ValueError, match="explain: not for series that share"):
        fitted.explain("lead0")
    with pytest.raises(TypeError, match="groups must be True or the name of a column"):
        Forecaster(H, groups=3)
    with pytest.raises(ValueError, match="there is no column 'shop'"):
        Forecaster(H, groups="shop").fit(table(40))
