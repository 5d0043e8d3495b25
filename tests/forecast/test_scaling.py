"""Scaling survives what real series do."""

import numpy as np
import pytest
import torch

from carrousel.forecast.model import Shape, features
from carrousel.forecast.scaling import FLOOR, scale_last, scale_steps


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


@pytest.mark.parametrize("missing", [0.0, 0.4], ids=["complete", "with gaps"])
@pytest.mark.parametrize("steps", [1, 2, 5, 14])
@pytest.mark.parametrize("step", [1, 4])
def test_the_last_step_alone_is_the_last_of_all(step, steps, missing):
    rng = np.random.default_rng(step + steps)
    y = 1000 + np.cumsum(rng.standard_normal((20, step * steps)), 1)
    y[0] = 7.0  # constant
    y[rng.random(y.shape) < missing] = np.nan
    history = torch.tensor(y, dtype=torch.float32)
    shape = Shape(2, "gru", step, steps, (step, 3 * step), 4, 1)
    scaled, last = scale_steps(history, step), scale_last(history, step)
    torch.testing.assert_close(last.scale, scaled.scale[:, -1:])
    torch.testing.assert_close(last.size, scaled.size[:, -1:])
    expected = features(scaled, shape)[:, -1:]
    torch.testing.assert_close(features(last, shape, last=True), expected, rtol=1e-5, atol=1e-5)
