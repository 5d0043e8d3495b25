"""What the kernel sees of a window against the formulas in plain torch."""

import numpy as np
import pytest
import torch

from carrousel.forecast.network.network import Network
from carrousel.forecast.network.shape import Shape
from carrousel.forecast.network.windows import Windows
from carrousel.ops.reference.features import features
from carrousel.ops.reference.scaling import Prior, scale_steps
from carrousel.ops.windows import gather

from ..forecast.conftest import make_panel

SHAPES = {
    "a day, a week": Shape(10, "gru", 4, 9, (4, 12), 4, 1),
    "horizon within the season": Shape(3, "gru", 7, 5, (7,), 4, 1),
    "no season": Shape(6, "gru", 1, 12, (1,), 4, 1),
    "one step": Shape(5, "gru", 4, 1, (4, 8), 4, 1),
    "quarters of a year": Shape(14, "gru", 3, 8, (12,), 4, 1),
    "a season longer than the window": Shape(30, "gru", 6, 4, (24, 168), 4, 1),
    "three seasons, one apart": Shape(40, "gru", 2, 30, (4, 20, 14), 4, 1),
    "step by step": Shape(20, "gru", 1, 40, (5, 15), 4, 1),
    "wide steps": Shape(48, "gru", 24, 14, (24, 168), 4, 1),
}


def windows(shape, kind, dtype):
    rng = np.random.default_rng(len(kind) + shape.patch)
    y = 1000 + np.cumsum(rng.standard_normal((12, shape.history)), 1)
    if kind != "complete":
        y[rng.random(y.shape) < 0.3] = np.nan
        y[0] = np.nan  # nothing at all
        y[1, : shape.history // 2] = np.nan  # young
        y[2, :-1] = np.nan  # one value, now
        y[3, 1:] = np.nan  # one value, long ago
        y[4, shape.history // 3 :: shape.patch] = np.nan  # a phase that stops
    y[5] = 7.0  # constant
    y[6] = 0.0
    y[7] *= 1e15
    y[8] = np.where(rng.random(shape.history) < 0.9, 0.0, 3.0)  # intermittent
    y[9, shape.history // 2 :: shape.history // 3] += 300.0  # outliers
    y[10, shape.history * 2 // 3 :] += 200.0  # a level that shifts
    y[11, : shape.history // 4] -= 60.0  # and one that comes down
    return torch.tensor(y, dtype=dtype)


@pytest.mark.parametrize("taken", [False, True], ids=["as they are", "an offset taken off"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("kind", ["complete", "with gaps"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_kernel_sees_what_the_formulas_say(shape, kind, dtype, taken):
    history = windows(shape, kind, dtype)
    network, offset = Network(shape), None
    if taken:
        offset = torch.full((len(history), 1), 1e4, dtype=torch.float64)
        offset[6:8] = 0.0
    network.prior.copy_(torch.tensor([0.03, 2.0], dtype=torch.float64))
    prior = Prior(0.03, 2.0)
    scaled = scale_steps(history, shape.patch, shape.seasons, offset=offset, prior=prior)
    seen = network.encode(history, offset=offset)
    near = {"rtol": 1e-4, "atol": 1e-5} if dtype is torch.float32 else {"rtol": 1e-9, "atol": 1e-10}
    for name, expected in vars(scaled).items():
        torch.testing.assert_close(getattr(seen.scaled, name), expected, **near)
    torch.testing.assert_close(seen.features, features(scaled, network.backs), **near)
    unit = scaled.scale[..., None]
    torch.testing.assert_close(seen.anchors / unit, network.anchors(scaled) / unit, **near)


@pytest.mark.parametrize("kind", ["complete", "with gaps"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_last_step_is_the_last_of_all(shape, kind):
    history = windows(shape, kind, torch.float32)
    network = Network(shape)
    seen, last = network.encode(history), network.encode(history, last=True)
    torch.testing.assert_close(last.features, seen.features, rtol=0, atol=0)
    torch.testing.assert_close(last.anchors, seen.anchors[:, -1:], rtol=0, atol=0)
    for name, value in vars(seen.scaled.last()).items():
        torch.testing.assert_close(getattr(last.scaled, name), value, rtol=0, atol=0)


def test_part_of_a_larger_tensor_and_a_reversed_one():
    shape = SHAPES["a day, a week"]
    y = windows(shape, "with gaps", torch.float32)
    network, padded = Network(shape), torch.cat([y, y], 1)
    expected = network.encode(y)
    for view in (padded[:, : shape.history], y.t().contiguous().t()):
        torch.testing.assert_close(network.encode(view).anchors, expected.anchors, rtol=0, atol=0)


def test_what_must_be_derived_goes_through_torch():
    shape = SHAPES["quarters of a year"]
    history = windows(shape, "complete", torch.float32)
    network, plain = Network(shape), history.clone().requires_grad_()
    torch.testing.assert_close(
        network.encode(plain).features, network.encode(history).features, rtol=1e-4, atol=1e-5
    )
    (slope,) = torch.autograd.grad(network.encode(plain).anchors.sum(), plain)
    assert slope.isfinite().all()
    assert slope.abs().sum() > 0


def test_values_beyond_float32_stay_no_numbers():
    shape = SHAPES["no season"]
    history = torch.tensor([[-3e38, 3e38] * 6])
    seen = Network(shape).encode(history)
    assert not seen.features.isfinite().all()


def test_windows_of_nothing():
    shape = SHAPES["a day, a week"]
    assert len(Network(shape).encode(torch.empty(0, shape.history)).anchors) == 0
    nothing = Windows.of(make_panel([np.empty(0)]), 5, 2)
    empty = torch.empty(0, dtype=torch.int64)
    assert nothing.gather(empty, empty)[0].shape == (0, 7)


@pytest.mark.parametrize(
    ("series", "end", "message"),
    [
        (2, 3, "series must be 0 to 1, not 2"),
        (-1, 3, "series must be 0 to 1, not -1"),
        (1, 3, "series 1 must lie within the 6 values of y, not from 3 to 7"),
        (0, 7, "end must be 0 to 6, not 7"),
    ],
)
def test_no_window_reaches_out_of_the_values(series, end, message):
    y, start, stop = torch.arange(6.0), torch.tensor([0, 3]), torch.tensor([3, 7])
    with pytest.raises(ValueError, match=message):
        gather(y, start, stop, torch.tensor([series]), torch.tensor([end]), 2, 1)


def test_series_that_no_window_is_of_are_not_looked_at():
    y, start, stop = torch.arange(6.0), torch.tensor([0, 3]), torch.tensor([3, 7])
    values, offset = gather(y, start, stop, torch.tensor([0]), torch.tensor([2]), 2, 1)
    torch.testing.assert_close(values, torch.tensor([[-1.0, 0.0, 1.0]]))
    assert offset.item() == 1
