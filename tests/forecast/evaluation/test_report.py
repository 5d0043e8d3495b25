"""The report: whole, harmless and the same for series of every shape."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.forecast.conftest import make_panel, seasonal_series
from tests.forecast.explanation.test_explain import network

from carrousel.colors import COLORS, DARK
from carrousel.forecast.evaluation import Evaluation
from carrousel.forecast.evaluation.report import Content, render
from carrousel.forecast.explanation.explain import explain
from carrousel.forecast.intervals.calibration import Band
from carrousel.html_chart import Chart, value_ticks

from .saying import saying

VOID = {"meta", "link", "br", "rect", "path", "input"}


class Outline(HTMLParser):
    """Fails on tags that do not match; collects text and attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.tags = [], [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def content_of(panel, h, explanations=(), missing=False):
    n = panel.n_series
    steps = panel.lengths[:, None] + np.arange(h)
    times = panel.freq.advance(panel.start[:, None], steps)
    mean = np.random.default_rng(0).normal(100, 5, (n, h))
    wide = {80: mean - 3, 95: mean - 6}, {80: mean + 3, 95: mean + 6}
    known = panel
    if missing:
        known = replace(
            panel, y=np.where(np.arange(len(panel.y)) < len(panel.y) - h, panel.y, np.nan)
        )
    ours = mean[None, ..., None] + np.linspace(-8, 8, 11)
    return Content(
        title="Sales <of> bread & 'milk'", panel=panel, future=Band(times, mean, *wide),
        evaluation=Evaluation.of(
            saying(ours), known, [h], seasons=(24,), methods=["seasonal naive", "naive"]
        ),
        explanations=explanations, notes=["1 gap filled as missing"], settings={"cell": "lstm"},
        version="0",
    )  # fmt: skip


@pytest.mark.parametrize("freq", ["1h", 1], ids=["dates", "whole numbers"])
@pytest.mark.parametrize("h", [1, 17])
@pytest.mark.parametrize("series", [1, 3, 45])
def test_the_page_is_whole(series, h, freq):
    data = [seasonal_series(40, seed=s) for s in range(series)]
    data[0][5:9] = np.nan
    page = render(content_of(make_panel(data, freq), h))
    outline = Outline(page)
    charts = [a for _, a in outline.tags if "data-values" in a]
    assert len(charts) == min(series, 40)
    assert ("Series: " in "".join(outline.texts)) == (series > 1)
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_nothing_is_fetched_and_names_are_no_markup():
    panel = make_panel([seasonal_series(30)])
    panel.ids[0] = "<script>alert('é')</script>"
    page = render(content_of(panel, 3))
    tags = Outline(page).tags
    assert not any(key in attributes for _, attributes in tags for key in ("src", "href"))
    assert "http" not in page.replace("http-equiv", "")
    assert "url(" not in page
    assert page.count("<script>") == 1
    assert "Content-Security-Policy" in page


def test_both_grounds_have_carrousels_colors():
    page = render(content_of(make_panel([seasonal_series(30)]), 3))
    for name, value in [*COLORS.items(), *DARK.items()]:
        assert f"--{name}:{value};" in page
    assert page.count("prefers-color-scheme: dark") == 2


def test_all_held_out_values_missing():
    page = render(content_of(make_panel([seasonal_series(30)]), 4, missing=True))
    assert "all missing" in " ".join(Outline(page).texts)


def test_what_the_forecast_relied_on_is_shown():
    panel = make_panel([seasonal_series(20, season=4), seasonal_series(9, season=4)])
    found = [explain([network(cell)], panel, s, None) for s, cell in ((0, "lstm"), (1, "rnn"))]
    text = " ".join(Outline(render(content_of(panel, 6, found))).texts)
    assert "with an empty memory it would be" in text
    assert "network 1, unit" in text
    assert "This cell has no memory that is a sum" in text


def test_lines_break_at_gaps_and_lone_values_are_dots():
    chart = Chart((0, 4), (0, 1))
    chart.line(np.arange(5.0), np.array([0, 1, np.nan, 1, np.nan]), "observed")
    assert [("dot" in mark, mark.count("L")) for mark in chart.marks] == [(False, 1), (True, 0)]
    assert 'd="M0.00 100.00L25.00 0.00"' in chart.marks[0]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3e6, 2e6), (0.0001, 0.0003), (5, 5.2)])
def test_ticks_can_be_told_apart(low, high):
    texts = value_ticks(low, high)[1]
    assert len(set(texts)) == len(texts) >= 2
