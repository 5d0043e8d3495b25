"""``Forecaster``: the one class that most users need."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Panel, to_frame, to_panel
from . import quantiles as q
from .choose import Plan, choose
from .learner import Report, predict_quantiles, require_finite, train_ensemble
from .model import Network
from .options import Options
from .storage import load_model, save_model
from .windows import Windows

MODEL = "carrousel"  # name of the forecast's column


class Forecaster:
    """Forecasts ``h`` steps of many series with one recurrent network, with intervals.

    Args:
        h: Horizon: how many steps to forecast.
        cell: "lstm", "gru", "rnn", or "ann" (the same network without the loop).
        **options: See ``Options``; what is not given is chosen from the data.

    Tables are long: one row for each series (``unique_id``) and time (``ds``), the value in
    ``y``; pandas, polars and pyarrow frames, or the path of a CSV or Parquet file. What comes
    out is the kind of frame that came in.

    >>> from carrousel.data import load_sample
    >>> forecaster = Forecaster(12, max_steps=20, ensemble=1)
    >>> table = forecaster.fit(load_sample("airline")).predict(level=[80])
    >>> table.columns
    ['unique_id', 'ds', 'carrousel', 'carrousel-lo-80', 'carrousel-hi-80']

    Attributes after ``fit``:
        plan_: What was chosen from the data (``plan_.reasons`` in sentences).
        notes_: What was done to the table, in sentences.
        runs_: The losses and validations of each network.
        panel_: The series, as they were learned from.
        networks_: The networks (``torch.nn.Module``); their forecasts are averaged.
    """

    networks_: list[Network]
    panel_: Panel
    plan_: Plan | None
    notes_: list[str]

    def __init__(self, h: int, cell: str = "lstm", **options: Any) -> None:
        self.options = _options(h=h, cell=cell, **options)

    def __repr__(self) -> str:
        default = asdict(Options(self.options.h))
        changed = {k: v for k, v in asdict(self.options).items() if v != default[k]}
        return f"Forecaster({', '.join([str(self.options.h), *_assigned(changed)])})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options as a dictionary: ``Forecaster(**f.get_params())`` is a copy, not fitted."""
        return asdict(self.options)

    def set_params(self, **options: Any) -> "Forecaster":
        """Change options before the next ``fit``."""
        self.options = _options(**{**asdict(self.options), **options})
        return self

    def fit(
        self,
        data: Any,
        *,
        progress: Report | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> "Forecaster":
        """Learn from a table, a path or a Panel.

        Args:
            data: The series.
            progress: Called after every update with the name of the network that is trained and
                a ``carrousel.train.Progress``.
            checkpoint: Directory to which the state of training is written now and then.
            resume: Go on from there; the result is that of a run that never stopped.
        """
        panel = self._read(data)
        self.plan_ = choose(panel, self.options)
        self._say([*self.notes_, *self.plan_.reasons])
        where = Path(checkpoint) if checkpoint is not None else None
        self.networks_, self.runs_ = train_ensemble(panel, self.plan_, progress, where, resume)
        self.panel_ = panel
        return self

    def predict(self, data: Any = None, *, level: Sequence[float] = (80, 95)) -> Any:
        """The next ``h`` steps of every series that was learned from, or of new observations.

        Args:
            data: New observations (of the same or other series, of the same frequency); the
                networks are not changed. None forecasts what follows the fitted series.
            level: Central intervals in percent, each as two columns.

        Returns:
            A frame: ``unique_id``, ``ds``, ``carrousel`` (the median), ``carrousel-lo-80``, ...
        """
        self._require_fitted()
        levels = q.probabilities(level)
        panel, like = (self.panel_, self._like) if data is None else (self._observe(data), data)
        quantiles = self.predict_quantiles(panel)
        columns = {**panel.future(self.options.h), **_columns(quantiles, level, levels)}
        return to_frame(columns, like=None if isinstance(like, Panel) else like, panel=panel)

    def predict_quantiles(self, panel: Panel, drop: int = 0) -> NDArray[np.float64]:
        """(S, h, Q) quantiles of what follows each series of a panel without its last ``drop``
        steps; the probabilities are ``carrousel.forecast.QUANTILES``."""
        self._require_fitted()
        shape = self.networks_[0].shape
        windows = Windows.of(panel, shape.history, shape.h)
        return require_finite(predict_quantiles(self.networks_, windows, drop))

    def backtest(
        self,
        data: Any,
        n_windows: int = 1,
        *,
        step: int | None = None,
        level: Sequence[float] = (80, 95),
        refit: bool = False,
        progress: Report | None = None,
    ) -> Any:
        """Forecasts of the past beside what happened, each made from what was known then.

        A copy of this forecaster learns from everything before the first cutoff (with ``refit``,
        again before each) and forecasts ``h`` steps from ``n_windows`` cutoffs, ``step`` (by
        default ``h``) apart; the last leaves exactly one horizon. This one is not changed.

        Returns:
            A frame: ``unique_id``, ``ds``, ``cutoff`` (last time known), ``y``, ``carrousel``,
            ``carrousel-lo-80``, ...
        """
        levels = q.probabilities(level)
        panel = self._read(data)
        h, step = self.options.h, step or self.options.h
        drops = [h + step * k for k in reversed(range(n_windows))]
        if not drops:
            raise ValueError(f"n_windows must be at least 1, got {n_windows}")
        panel.require(drops[0] + 2, f"a backtest of {n_windows} windows")
        fitted, tables = None, []
        for drop in drops:
            if fitted is None or refit:
                fitted = Forecaster(**self.get_params()).fit(panel.head(drop), progress=progress)
                if fitted.runs_[-1].stopped == "interrupted":
                    raise KeyboardInterrupt  # half a training says nothing about a whole one
            quantiles = fitted.predict_quantiles(panel, drop)
            tables.append(_window(panel, drop, h) | _columns(quantiles, level, levels))
        columns = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
        return to_frame(columns, like=None if isinstance(data, Panel) else data, panel=panel)

    def save(self, path: str | Path) -> None:
        """Write the model to a directory: numbers as safetensors, the rest as JSON."""
        self._require_fitted()
        keep = self.panel_.tail(self.networks_[0].shape.history)
        more = {"notes": self.notes_, "reasons": self.plan_.reasons if self.plan_ else []}
        save_model(Path(path), self.networks_, keep, asdict(self.options), more)

    @classmethod
    def load(cls, path: str | Path) -> "Forecaster":
        """Read a model that ``save`` wrote; nothing in the files is executed."""
        networks, panel, description = load_model(Path(path))
        forecaster = cls(**description["options"])
        forecaster.networks_, forecaster.panel_, forecaster.plan_ = networks, panel, None
        forecaster.notes_, forecaster._like = description["notes"], None
        return forecaster

    def _read(self, data: Any) -> Panel:
        """A panel from whatever came in; remembers the kind and what was noted."""
        if isinstance(data, Panel):
            self._like, self.notes_ = None, []
            return data
        o = self.options
        panel, self.notes_ = to_panel(
            data, id_col=o.id_col, time_col=o.time_col, target_col=o.target_col, freq=o.freq
        )
        self._like = _empty(data)
        return panel

    def _observe(self, data: Any) -> Panel:
        """New observations, read with the frequency that was learned."""
        if isinstance(data, Panel):
            panel = data
        else:
            o = self.options
            panel, notes = to_panel(
                data,
                id_col=o.id_col,
                time_col=o.time_col,
                target_col=o.target_col,
                freq=self.panel_.freq,
            )
            self._say(notes)
        if panel.freq != self.panel_.freq:
            raise ValueError(
                f"the model is for {self.panel_.freq} series, the data is {panel.freq}"
            )
        return panel

    def _say(self, sentences: Sequence[str]) -> None:
        if self.options.verbose:
            for sentence in sentences:
                sys.stderr.write(f"carrousel: {sentence}\n")

    def _require_fitted(self) -> None:
        if not hasattr(self, "networks_"):
            raise RuntimeError(
                "this Forecaster has learned nothing yet: call fit(data) or load(path)"
            )


def _options(**options: Any) -> Options:
    unknown = set(options) - set(Options.names())
    if unknown:
        raise TypeError(
            f"Forecaster has no option {', '.join(sorted(unknown))}; "
            f"there are {', '.join(Options.names())}"
        )
    season = options.get("season_length")
    if isinstance(season, list):
        options["season_length"] = tuple(season)
    return Options(**options)


def _assigned(options: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in options.items()]


def _columns(
    quantiles: NDArray, level: Sequence[float], levels: list[tuple[float, float]]
) -> dict[str, NDArray]:
    """(S, h, Q) quantiles to flat columns: the median and two for each interval."""
    columns = {MODEL: quantiles[..., q.MEDIAN].reshape(-1)}
    for name, (low, high) in zip(level, levels, strict=True):
        columns[f"{MODEL}-lo-{name:g}"] = q.at(quantiles, low).reshape(-1)
        columns[f"{MODEL}-hi-{name:g}"] = q.at(quantiles, high).reshape(-1)
    return columns


def _window(panel: Panel, drop: int, h: int) -> dict[str, NDArray]:
    """Names, times, cutoff and values of the ``h`` steps from ``drop`` before the end."""
    known = panel.head(drop)
    cutoff = panel.freq.advance(panel.start, known.lengths - 1)
    y = np.stack([panel.series(s)[n : n + h] for s, n in enumerate(known.lengths)])
    return {
        **known.future(h),
        "cutoff": np.repeat(cutoff, h),
        panel.target_col: y.reshape(-1).astype(np.float64),
    }


def _empty(data: Any) -> Any:
    """Something of the same kind as ``data`` that holds no rows: only the kind is remembered."""
    if isinstance(data, (str, Path)):
        return None
    import narwhals as nw

    return nw.from_native(data, eager_only=True).head(0).to_native()
