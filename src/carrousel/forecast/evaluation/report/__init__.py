"""``report.html``: forecasts, backtest, intervals and memory on one page that needs no network."""

from .content import Content
from .page import render

__all__ = ["Content", "render"]
