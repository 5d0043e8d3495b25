"""What a report shows, as plain arrays: whoever has them can make the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...data import Panel
from ..explanation import Explanation
from ..plot import Band


@dataclass(frozen=True)
class Method:
    """One method in the backtest, ours or another; means over series and windows."""

    name: str
    smape: float | None
    mase: float | None
    coverage: Mapping[float, float | None]  # level in percent -> share inside
    by_step: np.ndarray  # (h,) absolute error by step of the horizon, scaled as MASE is


@dataclass(frozen=True)
class Content:
    """A report. ``methods`` are ours first; ``trial`` is the last window of the backtest. Without
    a backtest there are neither.
    """

    title: str
    panel: Panel
    future: Band
    trial: Band | None = None
    methods: Sequence[Method] = ()
    verdict: str = "Nothing was held out: how good these forecasts are was not measured."
    windows: int = 0  # of the backtest
    tested: int = 0  # held-out values, over all series and windows
    # level -> (h,) share inside, by step of the horizon
    intervals: Mapping[float, np.ndarray] = field(default_factory=dict)
    captions: Sequence[str] = ()
    explanations: Sequence[Explanation] = ()
    notes: Sequence[str] = ()
    chosen: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    version: str = ""
