"""Scaling survives what real series do."""

import numpy as np
import pytest
import torch

from carrousel.forecast.scaling import FLOOR, scale_steps


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
    assert (scaled.scale <= max(1.01 * FLOOR * abs(value), 1e-29)).all()
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
