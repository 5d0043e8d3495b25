"""States carried on step by step against one pass over all steps."""

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel

from carrousel.forecast.ensemble.training import predict_quantiles
from carrousel.forecast.network.distribution import SIDE
from carrousel.forecast.network.network import Network
from carrousel.forecast.network.shape import Shape
from carrousel.forecast.network.windows import Windows
from carrousel.forecast.updating.streaming import Stream

CELLS = ["lstm", "gru", "rnn", "ann"]
STEPS = [1, 4]


def networks(cell, step, count=2):
    torch.manual_seed(1)
    shape = Shape(3, cell, step, 5, (4, 8), 6, 2)
    made = [Network(shape).eval() for _ in range(count)]
    for network in made:
        torch.nn.init.normal_(network.head.weight, std=0.5)
    return made


def walks(lengths, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    series = []
    for n in lengths:
        y = 100 + np.cumsum(rng.standard_normal(n)).astype(np.float32)
        y[rng.random(n) < gaps] = np.nan
        series.append(y)
    return series


def window(y, end, history):
    """The ``history`` values before ``end``, NaN before the first."""
    padded = np.concatenate([np.full(history, np.nan, np.float32), y[:end]])
    return torch.from_numpy(padded[None, -history:].copy())


@torch.no_grad()
def one_pass(made, y, started):
    """(h, Q): the steps of the window at ``started`` and every later step of the same phase,
    through the layers at once."""
    shape = made[0].shape
    first = len(y) - (len(y) - started) // shape.patch * shape.patch  # of this phase
    if first > started:
        first -= shape.patch
    shown = [made[0].encode(window(y, first, shape.history)).features]
    for end in range(first + shape.patch, len(y) + 1, shape.patch):
        shown.append(made[0].encode(window(y, end, shape.history)).features[:, -1:])
    seen = made[0].encode(window(y, len(y), shape.history), last=True)
    seen = seen._replace(features=torch.cat(shown, 1))
    out = [network.predict(seen).quantiles()[0, 0] for network in made]
    return torch.stack(out).mean(0).numpy()


def one_by_one(stream, series, started):
    """Feed every series what follows ``started``."""
    ahead = np.array([len(y) - n for y, n in zip(series, started, strict=True)])
    block = np.full((len(series), ahead.max()), np.nan, np.float32)
    for row, y, n in zip(block, series, started, strict=True):
        row[: len(y) - n] = y[n:]
    stream.advance(ahead, block)


@pytest.mark.parametrize("gaps", [0.0, 0.3], ids=["complete", "with gaps"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("cell", CELLS)
def test_step_by_step_is_one_pass(cell, step, gaps):
    made, started = networks(cell, step), [40, 7, 1]
    series = walks([75, 30, 21], gaps=gaps)
    for y in series:
        y[0] = 100.0
    stream = Stream(made, make_panel([y[:n] for y, n in zip(series, started, strict=True)]))
    one_by_one(stream, series, started)
    expected = [one_pass(made, y, n) for y, n in zip(series, started, strict=True)]
    np.testing.assert_allclose(stream.quantiles(), expected, rtol=1e-5)
    kept = stream.panel()
    assert kept.lengths.tolist() == np.minimum([75, 30, 21], stream.kept).tolist()
    for s, y in enumerate(series):
        np.testing.assert_array_equal(kept.series(s), y[-stream.kept :])
        assert kept.times(s)[-1] == make_panel([y]).times(0)[-1]


def test_together_or_apart_is_the_same():
    made, series = networks("lstm", 4), walks([60, 60])
    together = Stream(made, make_panel([y[:40] for y in series]))
    apart = Stream(made, make_panel([y[:40] for y in series]))
    together.advance(np.array([20, 20]), np.stack([y[40:] for y in series]))
    for s in (1, 0):  # one series after the other
        block = np.full((2, 20), np.nan, np.float32)
        block[s] = series[s][40:]
        apart.advance(np.array([20, 0]) if s == 0 else np.array([0, 20]), block)
    np.testing.assert_allclose(together.quantiles(), apart.quantiles(), rtol=1e-6)


def test_before_any_observation_it_forecasts_as_predict_does():
    made, series = networks("gru", 4), walks([50, 3])
    stream = Stream(made, make_panel(series))
    windows = torch.cat([window(y, len(y), 20) for y in series])
    with torch.no_grad():
        members = [network(windows, last=True).quantiles()[:, 0] for network in made]
    np.testing.assert_allclose(stream.quantiles(), torch.stack(members).mean(0), rtol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_saved_goes_on_as_if_never_stopped(cell):
    made, series = networks(cell, 4), walks([64, 50])
    panel = make_panel([y[:30] for y in series])
    stream = Stream(made, panel)
    one_by_one(stream, [y[:40] for y in series], [30, 30])
    tensors = {name: t.clone() for name, t in stream.tensors().items()}
    again = Stream.restored(made, stream.panel(), tensors)
    for one in (stream, again):
        one_by_one(one, series, [40, 40])
    np.testing.assert_array_equal(again.quantiles(), stream.quantiles())
    assert (again.panel().start == stream.panel().start).all()


def test_new_series_join_and_disturb_nobody():
    made, series = networks("lstm", 4), walks([60, 45, 30])
    stream = Stream(made, make_panel([y[:20] for y in series[:2]]))
    one_by_one(stream, [y[:27] for y in series[:2]], [20, 20])
    stream.add(make_panel([series[2][:10]]))
    one_by_one(stream, series, [27, 27, 10])
    expected = [one_pass(made, y, n) for y, n in zip(series, (20, 20, 10), strict=True)]
    np.testing.assert_allclose(stream.quantiles(), expected, rtol=1e-5)


def test_a_corrected_value_begins_again_from_the_window():
    made, series = networks("lstm", 4), walks([60, 45])
    stream = Stream(made, make_panel(series))
    series[1][-6] += 3.0
    stream.correct(np.array([1]), np.array([5]), np.array([series[1][-6]]))
    fresh = Stream(made, make_panel(series))
    np.testing.assert_allclose(stream.quantiles(), fresh.quantiles(), rtol=1e-6)


@pytest.mark.parametrize("missing", [1, 3, 9, 30])
def test_a_series_that_never_moved_stays_there_over_a_gap(missing):
    made = networks("lstm", 4)
    still = np.r_[np.full(40, 7.0), np.full(missing, np.nan)]
    moved = np.r_[100 + np.arange(20) % 4, np.full(20, 5.0), np.full(missing, np.nan)]
    stream = Stream(made, make_panel([still, moved]))
    panel = stream.panel()
    windows = Windows.of(panel, made[0].shape.history, made[0].shape.h)
    np.testing.assert_allclose(stream.after_gaps(), predict_quantiles(made, windows), rtol=1e-6)
    assert (stream.after_gaps()[0, :, SIDE] == 7.0).all()
