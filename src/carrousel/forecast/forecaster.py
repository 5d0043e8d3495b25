"""``Forecaster``: the one class that most users need."""

import copy
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Unpack

from ..data import Panel
from ..data.covariates import future, open_ahead
from ..data.store import Source, Store, earlier
from ..data.wall import Wall
from ..training import Run
from .distributed import doors, frames
from .distributed.datasets import gathered, is_dataset
from .distributed.frames import is_partitioned
from .ensemble.companion import Companion
from .ensemble.training import Report, train_ensemble, window_quantiles
from .ensemble.wall_clock import to_explain, wall_quantiles
from .evaluation import SIMPLE_METHODS, Evaluation
from .evaluation.simple_methods import require_known
from .evaluation.windows import hidden_steps, targets
from .intervals import calibration
from .intervals.doubt import gap_notes, trailing_gaps
from .intervals.quantiles import probabilities, require_finite
from .intervals.sampling import long_columns, measured_correlation, parameters, sample_paths
from .large.groups import group_of_each, require_column
from .large.results import WORK, refuse_old
from .large.run import Summary, backtest_store, forecast_frame, forecast_store
from .large.scores import Scores
from .large.series import (
    held,
    in_memory,
    read_as_source,
    refuse_tables_beside,
    stored,
    to_learn,
)
from .network.growth import grown
from .network.network import Network
from .network.windows import Windows
from .options import Given, Options
from .plan import Plan, choose, chosen_seasons
from .pretrained.carried import Carried
from .pretrained.pretrained import Pretrained
from .pretrained.zero_shot import ZeroShot
from .storage.files import load_model, model_digest, save_model
from .tables import to_forecast, to_learn_from, written
from .updating.finetuning import BY_ITSELF, check_start, continued
from .updating.new_rows import as_table, take_in
from .updating.streaming import Stream

if TYPE_CHECKING:
    import torch

    from .explanation.explanation import Explanation


LOG = logging.getLogger(__name__)

BY_THE_WALL = (
    "seasons follow the clock on the wall; an hour that is left out is a missing value, and of one "
    "that comes twice the first counts"
)


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
        panel_: The series, as they were learned from; after ``load`` or ``update``, as far as
            they are remembered.
        networks_: The networks (``torch.nn.Module``) that were trained; their forecasts are
            averaged. There are none with ``effort="instant"``: see ``pretrained_``.
        pretrained_share_: How much of a forecast comes from the network that ships (see
            ``carrousel.forecast.ensemble.companion``); 1 with ``effort="instant"``.
        calibration_: Factors of the intervals (50, 80, 90, 95, 99 %) from ``calibrate``, or None.
    """

    networks_: list[Network]
    runs_: list[Run]
    plan_: Plan | None
    notes_: list[str]
    _panel: Panel
    _stream: Stream | None = None
    calibration_: tuple[float, ...] | None = None
    _zero_shot: ZeroShot | None = None
    _companion: Companion | None = None

    def __init__(self, h: int, cell: str = "lstm", **options: Unpack[Given]) -> None:
        self.options = Options.of(h=h, cell=cell, **options)

    def __repr__(self) -> str:
        default = Options(self.options.h).by_name()
        changed = {k: v for k, v in self.get_params().items() if v != default[k]}
        return f"Forecaster({', '.join([str(self.options.h), *_assigned(changed)])})"

    @classmethod
    def pretrained(cls, **options: Any) -> Pretrained:
        """A network that forecasts series which it has never seen, at any horizon, at once."""
        return Pretrained(cls, **options)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options as a dictionary: ``Forecaster(**f.get_params())`` is a copy, not fitted."""
        return self.options.by_name()

    def set_params(self, **options: Any) -> "Forecaster":
        """Change options before the next ``fit``."""
        self.options = Options.of(**{**self.get_params(), **options})
        return self

    def fit(
        self,
        data: Any,
        *,
        progress: Report | None = None,
        init: "Forecaster | str | Path | None" = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        static_df: Any = None,
        on_error: str = "stop",
        cache: str | Path | None = None,
    ) -> "Forecaster":
        """Learn from a table, a path or a Panel, or from more series than memory holds.

        Ctrl-C keeps the best networks so far, and so does a loss that is no longer finite; a
        warning then names the series to blame.

        Args:
            data: The series. A directory of Parquet files, a glob or a polars LazyFrame is read by
                way of a store that is mapped into memory (docs/scaling.md).
                Those of a Ray dataset are brought to this machine.
            progress: Called after every update with the name of the network that is trained and
                a ``carrousel.training.Progress``.
            init: A fitted forecaster, or the path of a saved one, whose networks learn on
                (fine-tuning), with smaller steps and fewer of them. Cell, width, context and
                seasons are its, and so must be the horizon, the frequency and the names of
                covariates. Categories keep what was learned of them; new ones begin as the mean
                of the known ones, new members of a group (``groups=True``) on their own.
            checkpoint: Directory to which the state of training is written now and then.
            resume: Go on from there; the result is that of a run that never stopped.
            static_df: The columns of ``static_exog`` (and of ``groups``) in a table of their own,
                with ``unique_id`` and one row for each series.
            on_error: Of many files: "stop" at one that cannot be read, or a series that is broken,
                or "skip" it by name.
            cache: Of many files: the folder of stores; None: ``$CARROUSEL_CACHE`` or the user's.
        """
        before = _fitted_before(init)
        if read_as_source(data, self.options):
            refuse_tables_beside(static_df=static_df)
            with stored(data, self.options, on_error=on_error, cache=cache) as store:
                self._learn_stored(store, before, progress, checkpoint, resume)
            return self
        data = gathered(data) if is_dataset(data) else data
        panel, like, notes = to_learn_from(
            data, self.options, None if before is None else before._panel, static_df
        )
        self._learn(panel, before, progress, checkpoint, resume, like=like, notes=notes)
        return self

    def _learn_stored(
        self,
        store: Store,
        before: "Forecaster | None" = None,
        progress: Report | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> None:
        """``fit`` with a store: what it has too many series to be held by the model is let go."""
        kept = held(store)
        if self.options.conformal and not kept.n_series:
            raise ValueError(
                "conformal cannot be used with so many series; calibrate on a table of some of them"
            )
        notes = [*store.notes, *map(str, store.broken)]
        panel = to_learn(store)
        self._learn(panel, before, progress, checkpoint, resume, notes=notes, kept=kept)

    def _learn(
        self,
        panel: Panel,
        before: "Forecaster | None" = None,
        progress: Report | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        *,
        like: Any = None,
        notes: Sequence[str] = (),
        kept: Panel | None = None,
    ) -> None:
        """``fit`` with a panel that has its covariates, read from what was ``like`` that; ``kept``
        is what the model holds of it, if that is another one."""
        self._like, self.notes_ = like, list(notes)
        if self.options.effort == "instant":
            self._take_pretrained(panel)
        else:
            self._train(panel, before, progress, checkpoint, resume)
        if kept is not None:
            self._panel = kept
        self.calibration_ = None
        if self.options.conformal:
            self.calibrate(windows=self.options.conformal, progress=progress)

    def _take_pretrained(self, panel: Panel) -> None:
        """Forecast with the network that ships, for the seasons of this panel."""
        seasons, reason = chosen_seasons(panel, self.options)
        self._zero_shot, self._companion = ZeroShot(seasons), None
        self.networks_, self.runs_, self.plan_ = [], [], None
        self._panel, self._stream = panel, None
        if Wall.of(panel) is not None:
            self.notes_.append(f"clocks of {panel.time_zone} are changed: {BY_THE_WALL}")
        self.notes_.append(f"nothing was learned, a pretrained network forecasts; {reason}")
        self._say(self.notes_)

    def _train(
        self,
        panel: Panel,
        before: "Forecaster | None",
        progress: Report | None,
        checkpoint: str | Path | None,
        resume: bool,
    ) -> None:
        start = None if before is None else before.networks_
        if before is not None:
            check_start(before.networks_, before._panel.freq, panel.freq, self.options)
        wall = Wall.of(panel)
        learned = panel if wall is None else wall.panel
        if wall is not None:
            self.notes_ = [*self.notes_, f"clocks of {panel.time_zone} are changed: {BY_THE_WALL}"]
        self.plan_ = choose(learned, self.options)
        if start is not None:
            self.plan_ = continued(self.plan_, start, self.options)
            start = [grown(network, self.plan_.shape) for network in start]
        self.notes_ += gap_notes(panel, self.plan_.shape)
        self._say([*self.notes_, *self.plan_.reasons])
        where = Path(checkpoint) if checkpoint is not None else None
        self.networks_, self.runs_, self._companion = train_ensemble(
            learned, self.plan_, progress, where, resume, start
        )
        self._panel, self._stream, self._zero_shot = panel, None, None
        if self._companion is not None:
            sentence = f"{self._companion.share:.0%} of forecasts come from a pretrained network"
            self.notes_.append(sentence)
            self._say([sentence])
        diverged = [run for run in self.runs_ if run.stopped == "diverged"]
        if diverged:
            message = f"training stopped at update {diverged[0].steps:,}: {diverged[0].reason}"
            self.notes_.append(message)
            kept = f"{message}; the last good weights are kept"
            warnings.warn(kept, RuntimeWarning, stacklevel=4)

    def calibrate(
        self,
        data: Any = None,
        *,
        windows: int = 4,
        progress: Report | None = None,
        static_df: Any = None,
    ) -> "Forecaster":
        """Widen or narrow the intervals by the errors of a backtest (conformal prediction).

        A copy learns from everything before the last ``windows`` horizons and forecasts them;
        each interval is stretched by the factor with which it would have held its share of the
        values. ``Forecaster(conformal=4)`` does this in every ``fit``, also inside ``backtest``.

        Args:
            data: The series; None: those that were learned from.
            windows: Horizons to forecast; the more, the surer the factors.
            progress: As in ``fit``.
            static_df: As in ``predict``.

        Returns:
            This forecaster, whose forecasts are calibrated from now on.
        """
        self._require_fitted()
        if data is None and not hasattr(self, "runs_"):
            raise ValueError("data: a loaded model remembers too little; give calibrate the series")
        panel, h = self._panel, self.options.h
        if data is not None or static_df is not None:
            panel = self._observed(data, static_df)[0]
        hidden = hidden_steps(windows, h, h)
        panel.require(hidden[0] + 2, f"calibration on {windows} windows")
        plain = {**self.get_params(), "conformal": None, "nonnegative": False}
        other = Forecaster(**plain)
        other._learn(panel.head(hidden[0]), progress=progress)
        quantiles = other.window_quantiles(panel, hidden)  # (W, S, h, Q)
        self.calibration_ = calibration.calibration(targets(panel, hidden, h), quantiles)
        return self

    def sample(
        self,
        data: Any = None,
        n: int = 100,
        *,
        distribution: str = "quantiles",
        seed: int = 0,
        X_df: Any = None,
        static_df: Any = None,
    ) -> Any:
        """Sample paths of the next ``h`` steps: for sums, maxima and costs over the horizon.

        Each step is distributed as ``predict`` says; from step to step a path is as alike as the
        errors of past forecasts were (a Gaussian copula, its correlation measured on the series).

        Args:
            data: As in ``predict``.
            n: Paths of each series.
            distribution: "quantiles" (as they are), or the closest "student_t" or
                "negative_binomial" (whole numbers) to them.
            seed: Of the random numbers.
            X_df, static_df: As in ``predict``.

        Returns:
            A long frame: ``unique_id``, ``ds``, ``sample`` (0 to n - 1), ``carrousel``.
        """
        panel, like, quantiles = self._forecast(data, X_df, static_df)
        rho = measured_correlation(panel, self.options.h, self.window_quantiles)
        paths = sample_paths(quantiles, n, rho, distribution, seed)
        calibration.cut_paths(paths, panel, self.options.nonnegative)
        columns = long_columns(panel.future(self.options.h), paths, calibration.MODEL)
        return written(columns, panel, like)

    def distribution(
        self,
        data: Any = None,
        *,
        family: str = "student_t",
        X_df: Any = None,
        static_df: Any = None,
    ) -> Any:
        """The parameters of the distribution of a family that is closest to the forecast.

        "student_t": ``loc``, ``scale``, ``df``; "negative_binomial": ``mean`` and ``shape`` r,
        with variance mean + mean² / r (infinite: Poisson).
        """
        panel, like, quantiles = self._forecast(data, X_df, static_df)
        found = {
            f"{calibration.MODEL}-{k}": v.reshape(-1)
            for k, v in parameters(quantiles, family).items()
        }
        columns = {**panel.future(self.options.h), **found}
        return written(columns, panel, like)

    def predict(
        self,
        data: Any = None,
        *,
        level: Sequence[float] = (80, 95),
        X_df: Any = None,
        static_df: Any = None,
        out: str | Path | None = None,
        resume: bool = False,
        on_error: str = "stop",
        cache: str | Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Any:
        """The next ``h`` steps of every series that was learned from, or of other observations.

        Args:
            data: Observations of the same or of other series, also of some that the model has
                never seen, of the same frequency; each is forecast from what is in ``data``.
                Nothing is learned or remembered. None forecasts what follows the series that
                the model holds: those it was fitted on, with what ``update`` added.
            level: Central intervals in percent, each as two columns.
            X_df: With ``futr_exog``: a table with their values at the ``h`` steps after each
                series; other rows are passed over.
            static_df: With ``static_exog``: its columns of the series in ``data``, as in ``fit``.
            out: With a directory, a glob or a lazy frame as ``data``: the folder that forecasts are
                written to, a Parquet file for each block of series; ``resume`` goes on where a run
                stopped, ``progress`` is told the blocks that are done and how many there are.
            on_error, cache: As in ``fit``; with "skip", what cannot be forecast is left out too.

        Returns:
            A frame: ``unique_id``, ``ds``, ``carrousel`` (the median), ``carrousel-lo-80``, ...;
            with ``out`` a ``carrousel.forecast.large.Summary``. A ``ray.data.Dataset`` gives one,
            to the last bit what one machine gives, in the order of its blocks; workers forecast as
            it is read (``pip install carrousel[ray]``); so do Dask and Spark frames
            (``pip install carrousel[fugue]``).
        """
        probabilities(level)  # what cannot be is refused before any work
        self._require_fitted()
        if read_as_source(data, self.options):
            refuse_tables_beside(X_df=X_df, static_df=static_df)
            freq = self._panel.freq
            with stored(data, self.options, learned=freq, on_error=on_error, cache=cache) as store:
                if out is None:
                    return forecast_frame(self, store, level)
                return forecast_store(
                    self.without_series(), store, out, identity=self.identity, level=level,
                    resume=resume, on_error=on_error, progress=progress,
                )  # fmt: skip
        if out is not None:
            raise ValueError("out: data must be a directory, a glob or a lazy frame")
        if on_error != "stop":
            raise ValueError(
                f"on_error={on_error!r}: data must be a directory, a glob or a lazy frame"
            )
        if is_dataset(data):
            return doors.predict(self, data, level, X_df, static_df)
        if is_partitioned(data):
            return frames.predict(self, data, level, X_df, static_df)
        panel, like, quantiles = self._forecast(data, X_df, static_df)
        columns = {**panel.future(self.options.h), **calibration.columns(quantiles, level)}
        return written(columns, panel, like)

    def _forecast(
        self, data: Any, X_df: Any = None, static_df: Any = None
    ) -> tuple[Panel, Any, NDArray[np.float64]]:
        """The panel that is forecast, the kind of frame that it came in, and (S, h, Q)."""
        self._require_fitted()
        panel, like = self._observed(data, static_df)
        ahead = self._ahead(panel, X_df)
        carried = self.networks_ or isinstance(self._stream, Carried)
        stream = self._stream if data is None and carried else None
        if stream is not None and Wall.of(panel, self.options.h) is None:
            quantiles = stream.after_gaps(ahead, self._companion)
            require_finite(quantiles)
            found = calibration.finished(
                quantiles[None], panel, [0], self.calibration_, self.options.nonnegative
            )
            return panel, like, found[0]
        return panel, like, self.window_quantiles(panel, [0], ahead)[0]

    def predict_quantiles(
        self, panel: Panel | None = None, drop: int = 0, *, X_df: Any = None
    ) -> NDArray[np.float64]:
        """(S, h, Q) quantiles of what follows each series of a panel without its last ``drop``
        steps, or of the series that the model holds; the probabilities are
        ``carrousel.forecast.QUANTILES``. ``X_df`` as in ``predict``, of the steps after the end of
        each series (needed where the ``h`` steps reach beyond it)."""
        if panel is None:
            return self._forecast(None, X_df)[2]
        self._require_fitted()
        ahead = self._ahead(panel, X_df) if drop < self.options.h else None
        return self.window_quantiles(panel, [drop], ahead)[0]

    def window_quantiles(
        self, panel: Panel, drops: Sequence[int], ahead: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        """(W, S, h, Q) the same for several ``drops``, in one pass; ``ahead`` (S, h, F) are
        covariates after the end of each series."""
        self._require_fitted()
        wall = Wall.of(panel, self.options.h)
        if self._zero_shot is not None:
            found = self._zero_shot.window_quantiles(wall or panel, drops, self.options.h, ahead)
        elif wall is not None:
            found = wall_quantiles(self.networks_, wall, drops, ahead, self._companion)
        else:
            shape = self.networks_[0].shape
            windows = Windows.of(panel, shape.history, shape.h, len(shape.futr))
            if ahead is not None:
                windows = windows.following(ahead)
            found = window_quantiles(self.networks_, windows, drops, self._companion)
        require_finite(found)
        wanted = self.options.nonnegative
        return calibration.finished(found, panel, drops, self.calibration_, wanted)

    def update(self, data: Any, *, add: bool = False, static_df: Any = None) -> "Forecaster":
        """Take in new observations: the state of each series goes on from where it was.

        The work is one step of the recurrence for each new observation, however long the history
        is; ``predict()`` then forecasts what follows, and ``save`` writes the states too. Nothing
        is learned: the weights stay (see docs/forecasting-streaming.md).

        Args:
            data: A table or path with only the new rows, in any order; steps that are left out
                are missing values. Rows that are known already are skipped. Late rows are put in
                their place, and the state of their series begins again from its last values. A
                model with covariates wants their columns (static ones only of new series), and
                their future values in ``predict(X_df=...)`` as ever. Series of a group must go on
                to the same time.
            add: Take in series that the model does not hold, from their rows in ``data``.
            static_df: Static covariates of these, as in ``fit``, where ``data`` has them not.

        Returns:
            This forecaster; ``notes_`` says what was found.

        Raises:
            ValueError: Series that the model does not hold (without ``add``), a time between two
                steps, two values for one time, a covariate without its column, a group whose
                series do not end together. Nothing is changed then.
        """
        self._require_fitted()
        if read_as_source(data, self.options):
            o = self.options
            data = Source.of(data).frame([o.id_col, o.time_col, o.target_col])
        stream = self._stream or self._new_stream()
        table = as_table(data) if isinstance(data, Panel) else data
        self.notes_ = take_in(stream, table, self.options, add=add, static_df=static_df)
        if self._zero_shot is not None:
            self.notes_.append(self._zero_shot.goes_on(isinstance(stream, Carried)))
        self._stream = stream
        self._say(self.notes_)
        return self

    def _new_stream(self) -> Stream:
        """What carries the series on: of a pretrained network too, unless what is left of them
        after columns, or on the clock on the wall, changes with what comes."""
        panel, h = self.panel_, self.options.h
        anew = bool(panel.covariates) or Wall.of(panel, h) is not None
        if self._zero_shot is None or anew:
            return Stream(self.networks_, panel, self._remembered)
        return Carried(self._zero_shot, panel, self._remembered, h)

    def evaluate(
        self,
        data: Any,
        windows: int = 1,
        *,
        step: int | None = None,
        level: Sequence[float] = (80, 95),
        methods: Sequence[str] = tuple(SIMPLE_METHODS),
        refit: bool = False,
        progress: Report | None = None,
        init: "Forecaster | str | Path | None" = None,
        static_df: Any = None,
    ) -> Evaluation:
        """Forecasts of the past, by this and by simple methods, beside what happened.

        A copy of this forecaster learns from everything before the first window (with ``refit``,
        again before each) and forecasts ``h`` steps of each; the last window is the end of the
        series. All windows are forecast in one pass. This forecaster is not changed.

        Args:
            data: The series, as in ``fit``.
            windows: How many windows of the past are forecast.
            step: Steps between windows; None: ``h``.
            level: Central intervals in percent.
            methods: Simple methods to compare with, of ``"seasonal naive"`` and ``"naive"`` (the
                table ``carrousel.forecast.evaluation.SIMPLE_METHODS``).
            refit: Whether to learn again before each window.
            progress, static_df: As in ``fit``.
            init: As in ``fit``; what its networks learned from is not checked, and should end
                before the first window.

        Returns:
            An ``Evaluation``: arrays of targets, quantiles and scores; ``verdict``, ``table()``,
            ``to_frame()``, ``plot()``.

        >>> from carrousel.data import load_sample
        >>> forecaster = Forecaster(12, effort="instant")
        >>> evaluation = forecaster.evaluate(load_sample("airline"), windows=2)
        >>> evaluation.methods
        ('carrousel', 'seasonal naive (12)', 'naive')
        >>> evaluation.scores["mase"].shape  # methods, windows, series
        (3, 2, 1)
        """
        probabilities(level)  # what cannot be is refused before any work
        require_known(methods)
        if read_as_source(data, self.options):
            data = in_memory(data, self.options, None, "give backtest a folder (out=)")
        if is_dataset(data):
            raise TypeError(
                "data: scores of a Ray dataset do not fit one machine; give a table, or call "
                "backtest, which gives a dataset"
            )
        before = _fitted_before(init)
        learned_before = None if before is None else before._panel
        panel, *_ = to_learn_from(data, self.options, learned_before, static_df)
        hidden = hidden_steps(windows, self.options.h if step is None else step, self.options.h)
        fitted = self.before_windows(panel, hidden, refit, progress, before)
        return Evaluation.of(
            fitted, panel, hidden, levels=level, methods=methods,
            seasons=chosen_seasons(panel, self.options)[0],
            like=None if isinstance(data, Panel) else data,
        )  # fmt: skip

    def before_windows(
        self,
        panel: Panel,
        hidden: Sequence[int],
        refit: bool = False,
        progress: Report | None = None,
        before: "Forecaster | None" = None,
    ) -> list["Forecaster"]:
        """Copies that learned from a panel without its last ``hidden`` steps: one for all windows,
        or one for each; ``before`` as ``init`` of ``fit``."""
        panel.require(hidden[0] + 2, f"a backtest of {len(hidden)} windows")
        fitted = []
        for drop in hidden if refit else hidden[:1]:
            fitted.append(one := Forecaster(**self.get_params()))
            one._learn(panel.head(drop), before, progress)
            one._require_uninterrupted()
        return fitted

    def _require_uninterrupted(self) -> None:
        """Half a training says nothing about a whole one: the interruption goes on."""
        if self.runs_ and self.runs_[-1].stopped == "interrupted":
            raise KeyboardInterrupt

    def backtest(self, data: Any, windows: int = 1, **how: Any) -> Any:
        """The forecasts of ``evaluate`` as a table; ``how`` are its arguments. Of a directory, a
        glob or a lazy frame, with ``out=`` a folder: see ``backtest_parts``.

        Returns:
            A frame: ``unique_id``, ``ds``, ``cutoff`` (last time known), ``y``, ``carrousel``,
            ``carrousel-lo-80``, ...: what ``utilsforecast.evaluation.evaluate`` takes; and a column
            for each of ``methods`` (here none, unless some are asked for). A Ray dataset gives
            one, of the same rows: the windows are forecast on its workers.
        """
        if read_as_source(data, self.options) and "out" in how:
            return self.backtest_parts(data, windows, **how)
        if is_dataset(data):
            return doors.backtest(self, data, windows, **_loaded(how))
        return self.evaluate(data, windows, **{"methods": (), **how}).to_frame()

    def backtest_parts(
        self,
        data: Any,
        windows: int = 1,
        *,
        out: str | Path,
        step: int | None = None,
        level: Sequence[float] = (80, 95),
        methods: Sequence[str] = tuple(SIMPLE_METHODS),
        refit: bool = False,
        least: int = 0,
        by: str | None = None,
        resume: bool = False,
        on_error: str = "stop",
        cache: str | Path | None = None,
        progress: Report | None = None,
        blocks: Callable[[int, int], None] | None = None,
        init: "Forecaster | str | Path | None" = None,
    ) -> tuple[Summary, Scores]:
        """``evaluate`` for more series than memory holds, into a folder.

        Series that are too short for the windows are left out. Parquet files of the forecasts
        beside what happened go to ``out/backtest``, those of the scores of each series to
        ``out/scores``, a summary of these to ``out/scores.json``.

        Args:
            data: A directory of Parquet files, a glob or a polars LazyFrame.
            out: The folder.
            least: Series with fewer steps are not compared.
            by: A column of the data, or a Hive partition: the scores of each group, too.
            resume, on_error, cache: As in ``predict``.
            progress: As in ``fit``.
            blocks: Called with the blocks that are done, and how many there are.
            windows, step, level, methods, refit, init: As in ``evaluate``.

        Returns:
            What was done, and the summary of the scores.
        """
        probabilities(level)  # what cannot be is refused before any work
        require_known(methods)
        require_column(data, by)
        refuse_old(Path(out), resume)
        hidden = hidden_steps(windows, self.options.h if step is None else step, self.options.h)
        before = _fitted_before(init)
        learned = None if before is None else before._panel.freq
        with stored(data, self.options, learned=learned, on_error=on_error, cache=cache) as store:
            compared = earlier(store, 0, max(least, hidden[0] + 2))
            fitted = []
            for drop in hidden if refit else hidden[:1]:
                fitted.append(one := Forecaster(**self.get_params()))
                checkpoint = Path(out) / WORK / f"training-{drop}"
                one._learn_stored(earlier(compared, drop), before, progress, checkpoint, resume)
                one._require_uninterrupted()
            return backtest_store(
                [one.without_series() for one in fitted], compared, out, hidden,
                identity=[one.identity for one in fitted], level=level, methods=methods,
                seasons=chosen_seasons(compared.panel(), self.options)[0],
                by=by, group_of=None if by is None else partial(group_of_each, data, store, by),
                resume=resume, on_error=on_error, progress=blocks,
            )  # fmt: skip

    def explain(
        self,
        unique_id: Any = None,
        step: int | None = 1,
        *,
        data: Any = None,
        X_df: Any = None,
        static_df: Any = None,
    ) -> "Explanation":
        """What the forecast of one series relied on: past steps, and the memory of units.

        Args:
            unique_id: The series; may be None where there is only one.
            step: Which step of the horizon, counted from 1; None: the mean over all of them.
            data: New observations, as in ``predict``; None: those that were learned from.
            X_df, static_df: As in ``predict``.

        Returns:
            An ``Explanation``: ``table()``, ``plot()``, ``str()``, and ``fidelity``, which tests
            the account by taking away the steps that it names, beside removal, recency and random.
        """
        # It is seldom needed.
        from .explanation.explain import chosen_steps, explain, explained, series_number

        self._require_fitted()
        if self.networks_ and self.networks_[0].group is not None:
            raise ValueError("explain: not for series that share a hidden state (groups=)")
        panel, like = self._observed(data, static_df)
        ahead = self._ahead(panel, X_df)
        number, h = series_number(panel, unique_id), self.options.h
        wall = Wall.of(panel, h)
        steps: list[int] | int | None = step
        if self._zero_shot is not None:
            left, effects = self._zero_shot.apart(panel, h, ahead)
            chosen = chosen_steps(step, h)
            asked = self._zero_shot.asked(Wall.of(left, h) or left, number, chosen, h)
            found = explained(*asked, number)
            found = found.beside(float(effects[number, [one - 1 for one in chosen]].mean()))
        else:
            if wall is not None:
                panel, steps, ahead = to_explain(wall, number, step, h, ahead)
            found = explain(self.networks_, panel, number, steps, ahead, self._companion)
        return replace(found, like=None if isinstance(like, Panel) else like)

    def save(self, path: str | Path) -> None:
        """Write the model to a directory: numbers as safetensors, the rest as JSON."""
        self._require_fitted()
        # After a gap at the end, as much before it.
        panel = self.panel_ if self._panel.n_series else self._panel
        keep = panel.tail(self._remembered + trailing_gaps(panel))
        more = {
            "notes": self.notes_,
            "reasons": self.plan_.reasons if self.plan_ else [],
            "calibration": self.calibration_,
        }
        stream = {} if self._stream is None else self._stream.tensors()
        options = self.get_params()
        save_model(
            Path(path),
            self.networks_,
            self._zero_shot,
            self._companion,
            keep,
            options,
            more,
            stream,
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the forecasts of a series, as plain data: options, and a digest of all
        numbers that were learned."""
        self._require_fitted()
        numbers = model_digest(self.networks_, self._zero_shot, self._companion, self.calibration_)
        return {"model": numbers, "options": {**self.get_params(), "verbose": False}}

    @property
    def _remembered(self) -> int:
        """Values of each series that a forecast, or the states of ``update``, begin with."""
        if self._zero_shot is not None:
            return self._zero_shot.remembered(self._panel)
        shape = self.networks_[0].shape
        return shape.history + shape.patch - 1  # a window for each phase of a step

    @classmethod
    def load(cls, path: str | Path) -> "Forecaster":
        """Read a model that ``save`` wrote; nothing in the files is executed."""
        saved = load_model(Path(path))
        forecaster = cls(**saved.options)
        forecaster.networks_, forecaster._panel = saved.networks, saved.panel
        forecaster.plan_ = forecaster._like = None
        forecaster._zero_shot, forecaster._companion = saved.zero_shot, saved.companion
        forecaster.notes_, forecaster.calibration_ = saved.notes, saved.calibration
        if saved.stream:
            forecaster._stream = forecaster._resumed(saved.panel, saved.stream)
        return forecaster

    def _resumed(self, panel: Panel, tensors: dict[str, "torch.Tensor"]) -> Stream:
        kept = self._remembered
        if self._zero_shot is None or "state" not in tensors:
            return Stream.restored(self.networks_, panel, tensors, kept)
        return Carried.resumed(self._zero_shot, panel, tensors, kept, self.options.h)

    @property
    def pretrained_(self) -> "torch.nn.Module | None":
        """The network behind ``effort="instant"``, for ``carrousel.trace``; None if one was
        trained."""
        return None if self._zero_shot is None else self._zero_shot.network

    @property
    def panel_(self) -> Panel:
        """The series that the model holds.

        Raises:
            ValueError: It learned from more than it could hold.
        """
        self._require_fitted()
        if not self._panel.n_series:
            raise ValueError(
                "data: the model holds no series, since it learned from too many; give those that "
                "are meant (all of them, with what is new)"
            )
        return self._panel if self._stream is None else self._stream.panel()

    @property
    def pretrained_share_(self) -> float:
        """How much of a forecast of an ordinary window comes from the network that ships."""
        self._require_fitted()
        if self._companion is not None:
            return self._companion.share
        return 0.0 if self.networks_ else 1.0

    def without_pretrained(self) -> "Forecaster":
        """The same trained networks without the share of the one that ships: a copy, or this
        forecaster where that has none."""
        self._require_fitted()
        if self._companion is None:
            return self
        alone = copy.copy(self)
        alone._companion = None
        return alone

    def without_series(self) -> "Forecaster":
        """A copy that holds no series, but forecasts as this one does: what workers are sent."""
        self._require_fitted()
        alone = copy.copy(self)
        alone._panel, alone._stream, alone._like = self._panel.select([]), None, None
        alone.runs_ = []
        return alone

    def _observed(self, data: Any, static_df: Any) -> tuple[Panel, Any]:
        """The panel that is asked about, and the kind of frame that it came in."""
        if data is not None:
            return self._observe(data, static_df), data
        if static_df is not None:
            raise ValueError("static_df: the model holds those of its series; give data, too")
        return self.panel_, self._like

    def _observe(self, data: Any, static_df: Any = None) -> Panel:
        """Observations, read as those that were learned from."""
        if read_as_source(data, self.options):
            freq = self._panel.freq
            data = in_memory(data, self.options, freq, "give a table of some of them")
        panel, notes = to_forecast(data, self._panel, self.options, static_df)
        self._say(notes)
        return panel

    def _ahead(self, panel: Panel, X_df: Any) -> NDArray[np.float32] | None:
        """(S, h, F) what is known of the steps to forecast, read as the history was."""
        o = self.options
        table = open_ahead(panel, X_df, o.id_col, o.reading)
        ahead = future(panel, table, o.id_col, o.h, o.reading)
        if table is not X_df:  # who opened it says what was found
            self._say(table.notes)
        return ahead

    def _say(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            LOG.info("%s", sentence)
            if self.options.verbose:
                sys.stderr.write(f"carrousel: {sentence}\n")

    def _require_fitted(self) -> None:
        if not hasattr(self, "networks_"):
            raise RuntimeError(
                "this Forecaster has learned nothing yet: call fit(data) or load(path)"
            )


def _assigned(options: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in options.items()]


def _fitted_before(init: Forecaster | str | Path | None) -> Forecaster | None:
    """What ``fit(init=)`` is to start from."""
    if init is None:
        return None
    if isinstance(init, Pretrained):
        raise TypeError(f"init must be a trained forecaster, got a pretrained one; {BY_ITSELF}")
    fitted = Forecaster.load(init) if isinstance(init, (str, Path)) else init
    if not isinstance(fitted, Forecaster):
        raise TypeError(
            "init must be a fitted Forecaster or the path of a saved one, got "
            f"{type(fitted).__name__}"
        )
    fitted._require_fitted()
    return fitted


def _loaded(how: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``evaluate`` with the forecaster that ``init`` names."""
    return {**how, "init": _fitted_before(how["init"])} if "init" in how else how
