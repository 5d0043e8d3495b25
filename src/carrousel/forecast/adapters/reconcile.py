"""Forecasts that add up: totals equal the sum of their parts, through hierarchicalforecast."""

from typing import Any

import narwhals as nw

from ...wording import one_of

MODEL = "carrousel"  # name of the forecast's column
METHODS = {"bottom_up": ("BottomUp", {}), "ols": ("MinTrace", {"method": "ols"}),
           "wls_struct": ("MinTrace", {"method": "wls_struct"})}  # fmt: skip


def reconcile(forecasts: Any, summing: Any, tags: dict[str, Any], method: str = "ols") -> Any:
    """The same table with forecasts and intervals that add up.

    Args:
        forecasts: What ``Forecaster.predict`` gave for all series, totals included.
        summing, tags: What ``hierarchicalforecast.utils.aggregate`` gives beside the series.
        method: "bottom_up" (totals are the sums of the lowest series), "ols" or "wls_struct"
            (the smallest change of all forecasts that makes them add up, Wickramasuriya et al.
            2019; the second weighs a total as the number of its parts).

    Returns:
        A frame with the columns of ``forecasts``. Intervals are those of normal errors.

    Raises:
        ImportError: hierarchicalforecast is not installed (extra "reconcile").
    """
    one_of("method", method, METHODS)
    try:
        from hierarchicalforecast import methods
        from hierarchicalforecast.core import HierarchicalReconciliation
    except ImportError as error:
        raise ImportError(
            "reconcile needs hierarchicalforecast: pip install 'carrousel[reconcile]'"
        ) from error
    name, options = METHODS[method]
    table = nw.from_native(forecasts, eager_only=True)
    levels = [c.split("-lo-")[1] for c in table.columns if "-lo-" in c]
    made = HierarchicalReconciliation([getattr(methods, name)(**options)]).reconcile(
        Y_hat_df=forecasts, S_df=summing, tags=tags, level=[int(one) for one in levels] or None
    )
    found = nw.from_native(made, eager_only=True)
    (point,) = [c for c in found.columns if c.startswith(f"{MODEL}/") and "-lo-" not in c
                and "-hi-" not in c]  # fmt: skip
    sides = [f"-{side}-{level}" for level in levels for side in ("lo", "hi")]
    names = {f"{point}{side}": f"{MODEL}{side}" for side in ["", *sides]}
    return found.drop(list(names.values())).rename(names).select(table.columns).to_native()
