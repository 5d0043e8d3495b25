"""Scaling survives what real series do."""

import numpy as np
import pytest
import torch

from carrousel.forecast.network.windows import less_last
from carrousel.ops.constants import WINDOW
from carrousel.ops.reference.scaling import Prior, scale_steps


def window(values):
    return torch.tensor(values, dtype=torch.float32)[None]


def test_level_and_scale_by_hand():
    scaled = scale_steps(window([1, 3, 2, 6, 9, 9]), 2)
    level = (scaled.level[0, :, 0] + scaled.origin[0]).tolist()
    assert level == [2, 4, 9]
    # |2-1|, |6-3| and then |9-2|, |9-6|: mean 2, then mean of all four 3.5
    assert scaled.scale[0, 1:, 0].tolist() == pytest.approx([2, 3.5])


def test_missing_values_are_marked_filled_and_not_measured():
    scaled = scale_steps(window([1, 3, np.nan, 5, 4, np.nan]), 2)
    assert scaled.mask[0].tolist() == [[1, 1], [0, 1], [1, 0]]
    assert (scaled.values[0] + scaled.origin[0]).tolist() == [[1, 3], [1, 5], [4, 5]]
    assert (scaled.level[0, :, 0] + scaled.origin[0]).tolist() == [2, 5, 4]
    assert scaled.scale[0, 1, 0] == 2  # |5-3| alone


def test_short_series_have_an_age():
    scaled = scale_steps(window([np.nan] * 5 + [7.0, 8, 9]), 2)
    assert scaled.age[0].tolist() == [-2, -1, 0, 1]
    assert all(torch.isfinite(t).all() for t in vars(scaled).values())


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 1e3, 1e12])
def test_everything_grows_with_the_values(factor):
    y = torch.randn(4, 30).cumsum(1) + 20
    one, other = scale_steps(y, 5), scale_steps(factor * y, 5)
    for name in ("values", "level", "scale", "size", "origin"):
        torch.testing.assert_close(getattr(other, name) / factor, getattr(one, name))


@pytest.mark.parametrize("value", [0.0, 7.0, -1e9, 1e30])
def test_a_constant_series_has_a_small_scale(value):
    scaled = scale_steps(window([value] * 12), 4)
    assert (scaled.scale <= max(1.01 * WINDOW.floor * abs(value), 1e-29)).all()
    assert (scaled.scale > 0).all()
    assert (scaled.values == 0).all()


def test_an_intermittent_series_keeps_a_scale_between_its_demands():
    y = np.zeros(200)
    y[[10, 50]] = 5
    scaled = scale_steps(window(y), 2)
    assert scaled.scale[0, -1] > 1e-3


def test_small_movements_on_a_large_offset_survive():
    y = 1e6 + np.tile([0.0, 1.0], 8)
    scaled = scale_steps(window(y), 2)
    assert scaled.values.max() - scaled.values.min() == 1


def test_nothing_but_missing_values_is_no_error():
    scaled = scale_steps(torch.full((2, 8), torch.nan), 4)
    assert (scaled.age < 0).all()
    assert all(torch.isfinite(t).all() for t in (scaled.values, scaled.level, scaled.scale))


def days(n, season=7, seed=0):
    rng = np.random.default_rng(seed)
    return 100 + 10 * np.sin(2 * np.pi * np.arange(n) / season) + rng.normal(0, 1, n)


@pytest.mark.parametrize("gap", [1, 7, 20, 60])
@pytest.mark.parametrize("step", [1, 7])
def test_a_gap_before_the_end_makes_nothing_surer(step, gap):
    y = days(98)
    known = scale_steps(window(y[: 98 - gap // step * step]), step).scale[0, -1]
    y[98 - gap :] = np.nan
    scale = scale_steps(window(y), step).scale[0, -1]
    assert scale >= 0.85 * known
    if gap % step == 0:
        assert scale == pytest.approx(float(known), rel=1e-5)


@pytest.mark.parametrize("where", [3, 30, 60, 80, 90, 97])
@pytest.mark.parametrize("factor", [100.0, -100.0, 1e4])
@pytest.mark.parametrize("step", [1, 7])
def test_an_outlier_owns_neither_the_scale_nor_the_level(step, factor, where):
    y = days(98)
    other = y.copy()
    other[where] *= factor
    one, two = (scale_steps(window(v), step, (7,)) for v in (y, other))
    if where == 97:  # it may be the first of a new level: it counts, up to a limit
        far = WINDOW.far * one.scale[0, -2]
        reach = torch.cat([other_values(one), other_values(two)]).diff().abs().max()
        assert reach <= 3 * far + 20
        return
    assert one.scale[0, -1] / 1.2 <= two.scale[0, -1] <= 2.6 * one.scale[0, -1]
    difference = two.level[0, -1] + two.origin[0] - one.level[0, -1] - one.origin[0]
    assert difference.abs() <= (WINDOW.far + 4) * one.scale[0, -1]
    if where >= 60:  # what the last seasons show is what they were
        assert other_values(two).max() < 250
        assert other_values(two).min() > -50


def other_values(scaled):
    return (scaled.values + scaled.origin[..., None]).flatten()[-40:]


@pytest.mark.parametrize("step", [1, 7])
@pytest.mark.parametrize("after", [2, 7, 30])
def test_a_level_that_shifts_is_followed(step, after):
    y = days(98)
    y[98 - after :] += 500
    scaled = scale_steps(window(y), step, (7,))
    values = (scaled.values + scaled.origin[..., None]).flatten()
    expected = torch.tensor(y, dtype=torch.float32)
    assert (values - expected).abs()[-after + 1 :].max() < 60  # the first was an outlier


def test_sales_that_begin_are_no_outliers():
    y = np.zeros(60)
    y[[20, 33, 40, 47]] = [3, 5, 4, 9]
    scaled = scale_steps(window(y), 1)
    values = (scaled.values + scaled.origin[..., None]).flatten()
    torch.testing.assert_close(values, torch.tensor(y, dtype=torch.float32))


@pytest.mark.parametrize("values", [[100.0], [100.0, 100.0], [100.0, 100.0, 100.0]], ids=len)
@pytest.mark.parametrize("step", [1, 7])
def test_of_a_new_series_the_others_say_how_it_moves(step, values):
    y = [np.nan] * (70 - len(values)) + values
    scale = scale_steps(window(y), step, prior=Prior(0.1, 2.0)).scale[0, -1].item()
    assert scale == pytest.approx(10 * (1 - (len(values) - 1) / 8), rel=0.01)
    zero = [np.nan] * 69 + [0.0]
    assert scale_steps(window(zero), step, prior=Prior(0.1, 2.0)).scale[0, -1] == 2


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9, 1.7e12])
def test_an_offset_that_was_taken_off_changes_the_size_alone(offset):
    y = torch.from_numpy(days(98))[None]
    relative, taken = less_last(y + offset)
    one = scale_steps(less_last(y)[0], 7, offset=less_last(y)[1])
    two = scale_steps(relative, 7, offset=taken)
    torch.testing.assert_close(two.scale, one.scale, rtol=1e-3, atol=0)
    torch.testing.assert_close(two.values, one.values, rtol=0, atol=1e-3)
    assert two.size[0, -1].item() == pytest.approx(100 + offset, rel=1e-2)
    assert two.absolute().item() == y[0, -1].item() + offset
