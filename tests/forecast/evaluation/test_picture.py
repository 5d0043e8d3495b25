"""The picture: what it shows of series of every shape."""

import numpy as np
import polars as pl
import pytest

from carrousel.colors import COLORS
from carrousel.data import to_panel
from carrousel.forecast.evaluation import Evaluation
from carrousel.forecast.evaluation.picture import plot_forecast
from carrousel.forecast.intervals.calibration import Band

from .saying import saying


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


def evaluated(panel, h: int, series=None) -> Evaluation:
    """Forecasts of the last ``h`` steps that are one too high."""
    panel = panel if series is None else panel.select(series)
    y = panel.lengths[:, None] - h + np.arange(h) + 1.0
    quantiles = np.repeat(y[None, ..., None], 11, -1)
    return Evaluation.of(saying(quantiles), panel, [h], methods=["naive"])


@pytest.mark.parametrize("freq", ["1d", 1], ids=["dates", "whole numbers"])
@pytest.mark.parametrize("h", [1, 17])
@pytest.mark.parametrize("series", [1, 2, 7])
def test_rows_lines_and_intervals(series, h, freq, tmp_path):
    panel = panel_of(series, 40, freq)
    figure = plot_forecast(panel, band_of(panel, h), evaluation=evaluated(panel, h))
    shown = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(shown) == min(series, 6)
    lines = {line.get_label(): line for line in shown[0].get_lines()}
    assert lines["observed"].get_color() == COLORS["series"]
    assert len(lines["forecast"].get_ydata()) == h
    assert lines["forecast"].get_ydata()[0] == 40
    assert len(shown[0].collections) == 2  # two intervals
    held = lines["forecast made without these values"]
    assert list(held.get_ydata()) == list(range(41 - h, 41))
    assert list(held.get_xdata()) == list(lines["observed"].get_xdata()[-h:])
    assert shown[0].get_title(loc="right").startswith("MASE 1.00, naive")
    figure.savefig(tmp_path / "a.png")


def test_series_that_were_not_evaluated_have_no_trial():
    panel = panel_of(3, 20)
    evaluation = evaluated(panel, 2, series=[2, 1])
    figure = plot_forecast(panel, band_of(panel, 2), evaluation=evaluation)
    trials = [len(axes.get_lines()) for axes in figure.axes]
    assert trials == [3, 4, 4]  # observed, forecast, where it begins, and the trial
    assert [bool(axes.get_title(loc="right")) for axes in figure.axes] == [False, True, True]


def test_a_part_of_many_series_says_so():
    panel = panel_of(9, 20)
    figure = plot_forecast(panel, band_of(panel, 2), series=[8, 0], title="Many")
    assert figure.get_suptitle() == "Many (2 of 9 series)"
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["s8", "s0"]


@pytest.mark.parametrize("h", [1, 5])
def test_all_windows_of_an_evaluation(h, tmp_path):
    panel = panel_of(2, 60)
    hidden = [3 * h, 2 * h, h]
    ours = np.zeros((3, 2, h, 11)) + np.linspace(-2, 2, 11)
    evaluation = Evaluation.of(saying(ours), panel, hidden)
    figure = evaluation.plot(history=10)
    lines = figure.axes[0].get_lines()
    assert len(lines[0].get_ydata()) == 10 + 3 * h
    bands = [line for line in lines[1:] if line.get_color() == COLORS["cell"]]
    known = lines[0].get_xdata()
    for k, line in enumerate(bands):
        np.testing.assert_array_equal(line.get_xdata(), known[10 + k * h :][:h])
    assert len(bands) == 3
    assert len(figure.axes[0].collections) == 6  # two intervals of each window
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["observed", "forecast made without these values"]
    assert len(labels) == 4
    figure.savefig(tmp_path / "a.png")


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
