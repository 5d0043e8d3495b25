"""The forecaster as sktime knows forecasters (``pip install carrousel[sktime]``)."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sktime.forecasting.base import BaseForecaster

from ...data import Frequency, Panel, to_panel
from ..forecaster import Forecaster
from ..intervals import quantiles as q

INNER = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]


class CarrouselForecaster(BaseForecaster):
    """One recurrent network for all series of a panel or hierarchy, with quantiles.

    The horizon is known in ``fit``: ``max(fh)`` steps are forecast at once. ``update`` takes new
    observations in by carrying the recurrent states on (see ``Forecaster.update``); it learns
    nothing, whatever ``update_params``. The parameters are those of ``carrousel.forecast.Options``.

    >>> import pandas as pd
    >>> from carrousel.forecast.adapters.sktime import CarrouselForecaster
    >>> index = pd.period_range("2020-01", periods=36, freq="M")
    >>> y = pd.Series([float(k % 12) for k in range(36)], index)
    >>> forecaster = CarrouselForecaster(max_steps=20, ensemble=1)
    >>> forecaster.fit(y, fh=[1, 2, 12]).predict().index.astype(str).tolist()
    ['2023-01', '2023-02', '2023-12']
    """

    _tags = {  # noqa: RUF012 - sktime's convention
        "authors": "carrousel developers",
        "python_dependencies": ["carrousel"],
        "y_inner_mtype": INNER,
        "X_inner_mtype": INNER,
        "capability:multivariate": False,
        "capability:exogenous": False,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "requires-fh-in-fit": True,
    }

    def __init__(
        self,
        cell: str = "lstm",
        season_length: int | tuple[int, ...] | None = None,
        context: int | None = None,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        ensemble: int | None = None,
        max_steps: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        effort: str = "default",
        seed: int = 0,
        verbose: bool = False,
    ) -> None:
        self.cell = cell
        self.season_length = season_length
        self.context = context
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.ensemble = ensemble
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.effort = effort
        self.seed = seed
        self.verbose = verbose
        with warnings.catch_warnings():  # of a default that does not matter here: `remember_data`
            warnings.simplefilter("ignore", FutureWarning)
            super().__init__()

    def _fit(self, y: pd.DataFrame, X: Any, fh: Any) -> "CarrouselForecaster":
        horizon = int(max(fh.to_relative(self.cutoff)))
        self._forecaster = Forecaster(horizon, **self.get_params(deep=False))
        self._names, self._levels = list(y.columns), list(y.index.names)
        self._keys = _keys(y)
        table = _table(y, self._keys)
        panel, _ = to_panel(table, freq=_frequency(y))
        self._forecaster.fit(_to_the_cutoff(panel, table["ds"].to_numpy().max()))
        return self

    def _update(
        self, y: pd.DataFrame, X: Any = None, update_params: bool = True
    ) -> "CarrouselForecaster":
        self._keys |= {k: len(self._keys) + i for i, k in enumerate(_keys(y).keys() - self._keys)}
        self._forecaster.update(_table(y, self._keys), add=True)
        self._forecaster.update(_to_the_cutoff(self._forecaster.panel_))
        return self

    def _predict(self, fh: Any, X: Any = None) -> pd.DataFrame:
        median = self._at(fh, [0.5])[..., 0].reshape(-1, 1)
        return pd.DataFrame(median, self._index(fh), self._names)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: list[float]) -> pd.DataFrame:
        values = self._at(fh, alpha).reshape(-1, len(alpha))
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        return pd.DataFrame(values, self._index(fh), columns)

    def _at(self, fh: Any, probabilities: list[float]) -> NDArray[np.float64]:
        """(S, steps of fh, P), the series in the order of their keys."""
        steps = np.asarray(fh.to_relative(self.cutoff).to_pandas(), np.int64) - 1
        ids = self._forecaster.panel_.ids
        order = [ids.index(self._keys[key]) for key in sorted(self._keys)]
        quantiles = self._forecaster.predict_quantiles()[order][:, steps]
        return np.stack([q.at(quantiles, p) for p in probabilities], -1)

    def _index(self, fh: Any) -> pd.Index:
        times = fh.to_absolute(self.cutoff).to_pandas()
        if list(self._keys) == [()]:
            return times
        rows = [(*key, time) for key in sorted(self._keys) for time in times]
        return pd.MultiIndex.from_tuples(rows, names=self._levels)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small networks, for sktime's own tests."""
        small = {"max_steps": 2, "ensemble": 1, "hidden_size": 2, "num_layers": 1}
        return [small, {**small, "cell": "gru", "season_length": 4, "context": 8}]


def _keys(y: pd.DataFrame) -> dict[tuple, int]:
    """The number of each series, by the outer levels of the index; one series is ()."""
    if y.index.nlevels == 1:
        return {(): 0}
    return {tuple(key): s for s, key in enumerate(y.index.droplevel(-1).unique().to_frame().values)}


def _table(y: pd.DataFrame, keys: dict[tuple, int]) -> pd.DataFrame:
    """Long: unique_id (the number of the series), ds, y."""
    times = y.index.get_level_values(-1)
    if isinstance(times, pd.PeriodIndex):
        times = times.to_timestamp()
    outer = [()] * len(y)
    if y.index.nlevels > 1:
        outer = [tuple(key) for key in y.index.droplevel(-1).to_frame().values]
    numbers = [keys[key] for key in outer]
    return pd.DataFrame({"unique_id": numbers, "ds": times, "y": y.iloc[:, 0].to_numpy(float)})


def _frequency(y: pd.DataFrame) -> Frequency | None:
    """As the index says it; None where it does not, or not in words that we know."""
    times = y.index.get_level_values(-1)
    name = getattr(times, "freqstr", None)
    try:
        return None if name is None else Frequency.parse(name)
    except ValueError:
        return None


def _to_the_cutoff(panel: Panel, end: Any = None) -> Panel:
    """Missing values at the end of series that end before ``end`` (None: the last of them): sktime
    forecasts all of them from one time on."""
    end = panel.ends.max() if end is None else end
    last = panel.freq.count(panel.start, end) + 1  # (S) steps up to there
    offsets = np.concatenate([[0], np.cumsum(last)])
    y = np.full(offsets[-1], np.nan)
    place = np.arange(len(panel.y)) + np.repeat(offsets[:-1] - panel.offsets[:-1], panel.lengths)
    y[place] = panel.y
    return replace(panel, y=y, offsets=offsets)
