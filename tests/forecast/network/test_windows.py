"""Windows against slicing, one at a time."""

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel

from carrousel.forecast.network.windows import Sampler, Windows


def sliced(series, end, history, h, stop=None):
    """The same window by plain slicing of one padded series."""
    pad = np.full(history + h + 2, np.nan)  # windows may end past what is seen
    seen = series[:stop] if stop is not None else series
    padded = np.concatenate([pad, seen, pad])
    at = end + len(pad)
    return padded[at - history : at + h].astype(np.float32)


@pytest.mark.parametrize("history", [1, 5, 30])
@pytest.mark.parametrize("h", [1, 4])
def test_gather_is_slicing(history, h):
    series = [np.arange(n, dtype=float) + 100 * s for s, n in enumerate([1, 7, 20])]
    windows = Windows.of(make_panel(series), history, h)
    for hidden in (0, 2):
        seen = windows.hiding(hidden)
        for s, values in enumerate(series):
            for end in range(len(values) + 1):
                got, offset = seen.gather(torch.tensor([s]), windows.start[s : s + 1] + end)
                expected = sliced(values, end, history, h, max(len(values) - hidden, 0))
                np.testing.assert_array_equal((got + offset)[0].numpy(), expected)
                known = expected[:history][np.isfinite(expected[:history])]
                assert offset.item() == (known[-1] if len(known) else 0.0)


def test_nothing_of_the_panel_is_copied():
    panel = make_panel([np.arange(10.0)])
    assert Windows.of(panel, 3, 2).y.data_ptr() == panel.y.ctypes.data


def test_sampler_reaches_every_position_that_can_teach_and_no_other():
    series = [np.arange(n, dtype=float) + 100 * s for s, n in enumerate([1, 2, 9, 40])]
    windows = Windows.of(make_panel(series), 8, 2)
    sampler = Sampler(windows, season=4)
    drawn = torch.add(*sampler.draw(20_000, torch.Generator().manual_seed(0)))
    assert drawn[:, 7].isfinite().all()  # the last value of the history
    assert drawn[:, 8].isfinite().all()  # the first value of the future
    firsts = set(drawn[:, 8].unique().int().tolist())
    assert firsts == {101, *range(205, 209), *range(308, 340)}


def test_sampler_weighs_series_by_the_root_of_their_windows():
    series = [np.zeros(9 + 25), np.ones(9 + 100)]
    sampler = Sampler(Windows.of(make_panel(series), 9, 1), season=1)
    drawn = torch.add(*sampler.draw(30_000, torch.Generator().manual_seed(0)))
    assert drawn[:, 0].mean().item() == pytest.approx(10 / 15, abs=0.02)
