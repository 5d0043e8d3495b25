"""``Evaluation``: forecasts of the past by several methods, beside what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data import Panel, to_frame
from ...plottable import Plottable
from ...wording import one_of
from ..intervals import quantiles as q
from ..intervals.calibration import MODEL, Band, columns
from ..tables import written
from .metrics import Metric, all_metrics, mean_known, seasonal_scale
from .simple_methods import simple_forecasts
from .verdict import verdict
from .windows import positions, targets

Array = NDArray[np.floating]
BY = {  # what a table has rows for, and what its scores are means over
    "method": ("windows", "series"),
    "series": ("windows",),
    "window": ("series",),
}


@dataclass(frozen=True, eq=False)
class Evaluation(Plottable, picture="carrousel.forecast.evaluation.picture:plot_evaluation"):
    """Forecasts of W windows of the past, ``h`` steps each, of S series; see
    ``Forecaster.evaluate``.

    Attributes:
        panel: The series, with what was hidden of them.
        hidden: How many steps at the end of each series were hidden, for each window.
        quantiles: For each method, ours (``"carrousel"``) first, the forecasts (W, S, h, Q); the
            probabilities are ``carrousel.forecast.QUANTILES``.
        targets: (W, S, h) what happened; NaN where nothing is known.
        scale: (W, S) the mean change from season to season before each window, in which MASE and
            MSIS count errors.
        levels: Of the intervals, in percent.
        seasons: Of the simple methods; errors are scaled by the first.
        like: The kind of frame that came in.
    """

    panel: Panel
    hidden: Sequence[int]
    quantiles: dict[str, Array]
    targets: Array
    scale: Array
    levels: tuple[float, ...]
    seasons: tuple[int, ...]
    like: Any = None

    @classmethod
    def of(
        cls,
        fitted: Sequence[Any],
        panel: Panel,
        hidden: Sequence[int],
        *,
        levels: Sequence[float] = (80, 95),
        seasons: Sequence[int] = (1,),
        methods: Sequence[str] = (),
        like: Any = None,
    ) -> "Evaluation":
        """Of forecasters that learned from a panel without its last ``hidden`` steps, one for all
        windows or one for each, beside simple ``methods``."""
        heads = [panel.head(drop) for drop in hidden]
        drops = [hidden] if len(fitted) == 1 else [[drop] for drop in hidden]
        found = [one.window_quantiles(panel, some) for one, some in zip(fitted, drops, strict=True)]
        ours = np.concatenate(found)
        h = ours.shape[2]
        scale = [[seasonal_scale(y, seasons[0]) for y in map(head.series, range(head.n_series))]
                 for head in heads]  # fmt: skip
        return cls(
            panel, hidden, {MODEL: ours, **simple_forecasts(heads, h, seasons, methods)},
            targets(panel, hidden, h), np.array(scale), tuple(levels), tuple(seasons), like,
        )  # fmt: skip

    @property
    def methods(self) -> tuple[str, ...]:
        """Their names, ours first."""
        return tuple(self.quantiles)

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """What is measured, by name: the table ``carrousel.forecast.evaluation.METRICS``, and the
        coverage of each level."""
        return {metric.name: metric for metric in all_metrics(self.levels)}

    @property
    def coverages(self) -> dict[float, Metric]:
        """The metric that measures the coverage of each level."""
        return {m.level: m for m in self.metrics.values() if m.level is not None}

    @cached_property
    def scores(self) -> dict[str, Array]:
        """(M, W, S) for each metric: of each method, window and series; NaN where there is none."""
        return {name: self._mean(name, ()) for name in self.metrics}

    @cached_property
    def means(self) -> dict[str, dict[str, float | None]]:
        """Of each method, for each metric, the mean over windows, then over series (of CRPS, which
        is relative, the ratio of the means); None where no series has a value."""
        found = {name: self._mean(name, BY["method"]) for name in self.metrics}
        return {
            method: {name: None if np.isnan(of[m]) else float(of[m]) for name, of in found.items()}
            for m, method in enumerate(self.methods)
        }

    def by_series(self, metric: str) -> Array:
        """(M, S) means over the windows."""
        return self._mean(metric, BY["series"])

    def by_window(self, metric: str) -> Array:
        """(M, W) means over the series."""
        return self._mean(metric, BY["window"])

    def by_step(self, metric: str) -> Array:
        """(M, h) means over windows and series, for each step of the horizon."""
        steps = range(self.targets.shape[2])
        found = [self._mean(metric, BY["method"], slice(k, k + 1)) for k in steps]
        return np.stack(found, -1)

    def _mean(self, name: str, over: Sequence[str], steps: slice = slice(None)) -> Array:
        """(M, ...) scores by a metric at some steps, averaged over windows, series or both."""
        metric, y, axes = self.metrics[name], self.targets[..., steps], {"windows": 1, "series": 2}
        found = np.stack(
            [
                metric.measure(y, partial(q.at, of[..., steps, :]), self.scale)
                for of in self.quantiles.values()
            ]
        )  # (M, W, S)
        if metric.per is not None:  # the ratio of sums over all values
            count = np.isfinite(y).sum(-1)
            size = np.broadcast_to(metric.per(y) * count, found.shape)
            size, found = np.nan_to_num(size), np.nan_to_num(found * count)
            for axis in [axes[name] for name in over]:
                size, found = (part.sum(axis, keepdims=True) for part in (size, found))
            found = np.divide(found, size, out=np.full(found.shape, np.nan), where=size > 0)
        else:
            for axis in [axes[name] for name in over]:
                found = mean_known(found, axis, keepdims=True)
        return found.squeeze(tuple(axes[name] for name in over))

    @property
    def best(self) -> dict[str, set[str]]:
        """For each metric the methods with the smallest mean; of coverage none is the best."""
        found = {}
        for name, metric in self.metrics.items():
            means = {m: v for m, of in self.means.items() if (v := of[name]) is not None}
            least = min(means.values(), default=None)
            wins = {m for m, value in means.items() if value == least}
            found[name] = wins if metric.level is None else set()
        return found

    @property
    def verdict(self) -> str:
        """Who won, in a sentence or two."""
        return verdict(self.means)

    def _sentences(self) -> list[str]:
        return [self.verdict]

    def _rows(self) -> list[dict[str, Any]]:
        return [{"method": name, **means} for name, means in self.means.items()]

    @property
    def captions(self) -> dict[Any, str]:
        """For each series by name: our MASE, and that of the best other method."""
        found = {}
        for name, (ours, *others) in zip(self.panel.ids, self.by_series("mase").T, strict=True):
            known = {m: v for m, v in zip(self.methods[1:], others, strict=True) if v == v}
            best = min(known, key=lambda method: known[method], default="")
            beside = f", {best} {known[best]:.2f}" if best else ""
            found[name] = "" if np.isnan(ours) else f"MASE {ours:.2f}{beside}"
        return found

    def table(self, by: str = "method") -> Any:
        """The scores as a frame of the kind that came in: a row for each method, or for each method
        and each "series" or each "window" (the earliest is 1)."""
        one_of("by", by, BY)
        found = {name: self._mean(name, BY[by]) for name in self.metrics}
        methods = np.array(self.methods, object)
        if by == "method":
            rows = {"method": methods}
        else:
            name, values = "window", np.arange(1, len(self.hidden) + 1)
            if by == "series":
                name, values = self.panel.id_col or "unique_id", np.array(self.panel.ids, object)
            rows = {"method": np.repeat(methods, len(values)), name: np.tile(values, len(methods))}
        return to_frame(rows | {name: of.reshape(-1) for name, of in found.items()}, self.like)

    def to_frame(self) -> Any:
        """The forecasts as a frame of the kind that came in, window after window: ``unique_id``,
        ``ds``, ``cutoff`` (the last time known), ``y``, ``carrousel``, ``carrousel-lo-80``, ...,
        and a column for each other method."""
        panel, h = self.panel, self.targets.shape[2]
        steps = positions(panel, self.hidden, h)  # (W, S, h)
        series = np.arange(panel.n_series)
        rows = {
            panel.time_col: panel.at(series[:, None], steps).reshape(-1),
            "cutoff": np.repeat(panel.at(series, steps[..., 0] - 1), h),
            panel.target_col: self.targets.reshape(-1),
            **columns(self.quantiles[MODEL], self.levels),
            **{name: of[..., q.MEDIAN].reshape(-1) for name, of in self._others.items()},
        }
        if panel.id_col is not None:
            names = np.tile(np.repeat(np.asarray(panel.ids), h), len(self.hidden))
            rows = {panel.id_col: names, **rows}
        return written(rows, panel, self.like)

    @property
    def _others(self) -> dict[str, Array]:
        return {name: of for name, of in self.quantiles.items() if name != MODEL}

    def band(self, ids: Sequence[Any], window: int = -1) -> Band:
        """Our forecasts of one window (the last) of the series ``ids``, as pictures show them;
        missing for those that were not evaluated."""
        panel, h = self.panel, self.targets.shape[2]
        place = {name: s for s, name in enumerate(panel.ids)}
        which = np.array([place.get(name, -1) for name in ids])
        steps = positions(panel, [self.hidden[window]], h)[0]
        times = panel.local(panel.at(np.arange(panel.n_series)[:, None], steps))[which]
        quantiles = self.quantiles[MODEL][window][which]
        quantiles[which < 0] = np.nan
        return Band.of(times, quantiles, self.levels)
