"""``report.html``: forecasts, backtest, intervals and memory on one page that needs no network."""

from .content import Content, Method
from .page import render

__all__ = ["Content", "Method", "render"]
