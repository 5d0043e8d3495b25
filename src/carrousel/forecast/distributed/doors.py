"""Forecasts of Ray datasets: what the methods of ``Forecaster`` do with one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...data import Panel
from ..evaluation.simple_methods import require_known
from ..evaluation.windows import hidden_steps
from ..intervals.quantiles import probabilities
from ..plan import chosen_seasons
from ..tables import to_learn_from
from .datasets import gathered, on_blocks, refuse_groups, refuse_tables_elsewhere, require_readable
from .survey import surveyed
from .work import Backtest, Predict

if TYPE_CHECKING:
    from ray.data import Dataset


def predict(
    forecaster: Any, dataset: "Dataset", level: Sequence[float], X_df: Any, static_df: Any
) -> "Dataset":
    """The forecasts of a fitted forecaster, of every series in a dataset."""
    options = forecaster.options
    refuse_groups(options.groups)
    refuse_tables_elsewhere(X_df=X_df, static_df=static_df)
    require_readable(dataset, options)
    alone = forecaster.without_series()
    if X_df is None:
        alone._ahead(alone._panel, None)  # says what is wanted, before any worker starts
    work = Predict(alone, tuple(level), X_df, static_df)
    return on_blocks(dataset, options.id_col, work, in_order=options.reading.aggregate is not None)


def backtest(
    forecaster: Any,
    dataset: "Dataset",
    windows: int = 1,
    *,
    step: int | None = None,
    level: Sequence[float] = (80, 95),
    methods: Sequence[str] = (),
    refit: bool = False,
    progress: Any = None,
    init: Any = None,
    static_df: Any = None,
) -> "Dataset":
    """As ``Forecaster.backtest``: what learns before the windows does so here, from all series;
    the windows are forecast where the blocks are."""
    options = forecaster.options
    refuse_groups(options.groups)
    refuse_tables_elsewhere(static_df=static_df)
    require_readable(dataset, options)
    probabilities(level)
    require_known(methods)
    hidden = hidden_steps(windows, options.h if step is None else step, options.h)
    panel = to_learn(forecaster, dataset, static_df, init)
    fitted = [
        one.without_series()
        for one in forecaster.before_windows(panel, hidden, refit, progress, init)
    ]
    seasons = chosen_seasons(panel, options)[0]
    work = Backtest(fitted, hidden, tuple(level), tuple(methods), seasons, static_df)
    return on_blocks(dataset, options.id_col, work, in_order=options.reading.aggregate is not None)


def to_learn(forecaster: Any, dataset: "Dataset", static_df: Any = None, init: Any = None) -> Panel:
    """What a forecaster learns from: all series of a dataset, on this machine; of one that learns
    nothing, as many as show their seasons."""
    options = forecaster.options
    if options.effort != "instant":
        before = None if init is None else init._panel
        return to_learn_from(gathered(dataset), options, before, static_df)[0]
    if options.conformal:
        raise ValueError(
            f"conformal={options.conformal}: intervals are calibrated on all series together; "
            "give a table in memory"
        )
    return surveyed(dataset, options)
