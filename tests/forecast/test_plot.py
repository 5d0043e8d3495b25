"""The picture: what it shows of series of every shape."""

import numpy as np
import polars as pl
import pytest

from carrousel.colors import COLORS
from carrousel.data import to_panel
from carrousel.forecast.plot import Band, plot_forecast


def panel_of(series: int, steps: int, freq: str | int = "1d"):
    """Ramps with a hole."""
    start = np.datetime64("2024-01-01", "us")
    time = np.arange(steps) if freq == 1 else start + np.arange(steps).astype("m8[D]")
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat([f"s{k}" for k in range(series)], steps),
            "ds": np.tile(time, series),
            "y": np.tile(np.arange(steps, dtype=float), series),
        }
    )
    return to_panel(frame.filter(pl.col("y") != 3), freq=freq)[0]


def band_of(panel, h: int, drop: int = 0) -> Band:
    steps = panel.lengths[:, None] - drop + np.arange(h)
    mean = steps.astype(float)
    wide = {80: mean - 1, 95: mean - 2}, {80: mean + 1, 95: mean + 2}
    return Band(panel.freq.advance(panel.start[:, None], steps), mean, *wide)


@pytest.mark.parametrize("freq", ["1d", 1], ids=["dates", "whole numbers"])
@pytest.mark.parametrize("h", [1, 17])
@pytest.mark.parametrize("series", [1, 2, 7])
def test_rows_lines_and_intervals(series, h, freq, tmp_path):
    panel = panel_of(series, 40, freq)
    trial = band_of(panel, h, drop=h)
    figure = plot_forecast(panel, band_of(panel, h), trial=trial, captions=["note"] * series)
    shown = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(shown) == min(series, 6)
    lines = {line.get_label(): line for line in shown[0].get_lines()}
    assert lines["observed"].get_color() == COLORS["series"]
    assert len(lines["forecast"].get_ydata()) == h
    assert lines["forecast"].get_ydata()[0] == 40
    assert len(shown[0].collections) == 2  # two intervals
    assert shown[0].get_title(loc="right") == "note"
    figure.savefig(tmp_path / "a.png")


def test_a_part_of_many_series_says_so():
    panel = panel_of(9, 20)
    figure = plot_forecast(panel, band_of(panel, 2), series=[8, 0], title="Many")
    assert figure.get_suptitle() == "Many (2 of 9 series)"
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["s8", "s0"]


def test_history_shown_is_the_end():
    panel = panel_of(1, 200)
    figure = plot_forecast(panel, band_of(panel, 2), history=10)
    assert list(figure.axes[0].get_lines()[0].get_ydata()) == list(range(190, 200))


def test_nothing_is_left_in_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    panel = panel_of(1, 20)
    plot_forecast(panel, band_of(panel, 2))
    assert plt.get_fignums() == before
