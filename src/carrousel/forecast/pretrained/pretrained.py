"""``Pretrained``: forecasts of any table, at any horizon, at once."""

from collections.abc import Sequence
from typing import Any

from ..distributed import doors
from ..distributed.datasets import is_dataset
from ..evaluation import Evaluation
from ..intervals.quantiles import probabilities
from ..large.series import read_as_source


class Pretrained:
    """A network that has seen made-up series of many kinds, for series that it has never seen.

    Nothing is learned: each series is forecast from its own values, at any frequency and any
    horizon (see docs/pretrained.md for what it can and cannot do).

    Args:
        forecaster: The class that holds the series: ``Forecaster``, which makes these.
        **options: Those of ``carrousel.forecast.Options`` that say how tables are read and written
            (``freq``, ``season_length``, ``id_col``, ``nonnegative``, ``conformal``, ...).

    >>> from carrousel import Forecaster
    >>> from carrousel.data import load_sample
    >>> table = Forecaster.pretrained().predict(load_sample("airline"), h=6, level=[80])
    >>> table.columns, len(table)
    (['unique_id', 'ds', 'carrousel', 'carrousel-lo-80', 'carrousel-hi-80'], 6)
    """

    def __init__(self, forecaster: type, **options: Any) -> None:
        for name in ("h", "effort"):
            if name in options:
                given = "give it to predict" if name == "h" else "it is 'instant'"
                raise TypeError(f"{name} is no option of a pretrained forecaster: {given}")
        self.forecaster, self.options = forecaster, options
        self.on_nothing(1)  # refuses unknown options at once

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"Forecaster.pretrained({given})"

    def on_nothing(self, h: int) -> Any:
        """A ``Forecaster`` of this network that holds no series yet."""
        return self.forecaster(h, effort="instant", **self.options)

    def on(self, data: Any, h: int) -> Any:
        """A ``Forecaster`` that holds these series: for ``update``, ``save`` and more forecasts."""
        return self.on_nothing(h).fit(data)

    def predict(
        self,
        data: Any,
        h: int,
        *,
        level: Sequence[float] = (80, 95),
        X_df: Any = None,
        **parts: Any,
    ) -> Any:
        """The next ``h`` steps of every series, as ``Forecaster.predict``; ``parts`` are its
        arguments for series of many files (``out``, ``resume``, ``on_error``, ``cache``)."""
        if is_dataset(data):
            probabilities(level)
            found = self.on_nothing(h)
            found._learn(doors.to_learn(found, data))
            return found.predict(data, level=level, X_df=X_df, **parts)
        read = {name: parts[name] for name in ("on_error", "cache") if name in parts}
        found = self.on_nothing(h).fit(data, **read)
        given = data if read_as_source(data, found.options) else None
        return found.predict(given, level=level, X_df=X_df, **parts)

    def sample(self, data: Any, h: int, n: int = 100, **options: Any) -> Any:
        """Sample paths of the next ``h`` steps, as ``Forecaster.sample``."""
        return self.on(data, h).sample(n=n, **options)

    def evaluate(self, data: Any, h: int, windows: int = 1, **options: Any) -> Evaluation:
        """Forecasts of the past, beside simple methods and what happened, as
        ``Forecaster.evaluate``."""
        return self.on_nothing(h).evaluate(data, windows, **options)

    def backtest(self, data: Any, h: int, windows: int = 1, **options: Any) -> Any:
        """The same as a table, as ``Forecaster.backtest``."""
        return self.on_nothing(h).backtest(data, windows, **options)
