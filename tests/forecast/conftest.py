import numpy as np
import polars as pl
import pytest
import torch

from carrousel.data import Frequency, Panel
from carrousel.data.build import narrow


def make_panel(series, freq="1h"):
    freq = Frequency.parse(freq)
    start = np.datetime64("2024-01-01", "us") if freq.unit != "int" else 0
    return Panel(
        y=narrow(np.concatenate(series)),
        offsets=np.cumsum([0, *map(len, series)]),
        ids=[f"s{i}" for i in range(len(series))],
        start=np.array([start] * len(series)),
        freq=freq,
    )


def make_table(series, freq="1h"):
    """The long table of some series, without the rows that are NaN at their ends."""
    panel = make_panel(series, freq)
    ids = np.repeat(panel.ids, panel.lengths)
    times = np.concatenate([panel.times(s) for s in range(panel.n_series)])
    return pl.DataFrame({"unique_id": ids, "ds": times, "y": panel.y.astype(np.float64)})


def seasonal_series(n, season=24, level=100.0, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return level + 20 * np.sin(2 * np.pi * t / season) + noise * rng.standard_normal(n)


def speak_up(forecaster, seed):
    """Give random weights to what starts at zero, so that after a few updates all of a network
    says something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for network in forecaster.networks_:
            for name, parameter in network.named_parameters():
                if "coming.said" in name or "leave" in name or name.startswith("head"):
                    parameter.normal_(std=0.3, generator=generator)


@pytest.fixture(scope="session")
def day_series():
    return [seasonal_series(24 * 12, seed=s, level=50.0 * (s + 1)) for s in range(3)]
