"""What workers do with a block of whole series: the same methods as on one machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data import Panel
from ...wording import some
from ..evaluation import Evaluation
from ..tables import to_forecast
from .datasets import of_these

if TYPE_CHECKING:
    from pyarrow import Table


@dataclass(frozen=True)
class Predict:
    """``Forecaster.predict`` of a block.

    Args:
        forecaster: A fitted one that holds no series.
        level: Of the intervals.
        X_df, static_df: Tables of all series, or None.
    """

    forecaster: Any
    level: Sequence[float]
    X_df: Any = None
    static_df: Any = None

    def __call__(self, block: "Table") -> "Table":
        id_col = self.forecaster.options.id_col
        names = _names(block, id_col)
        return self.forecaster.predict(
            block,
            level=self.level,
            X_df=of_these(self.X_df, id_col, names),
            static_df=of_these(self.static_df, id_col, names),
        )


@dataclass(frozen=True)
class Backtest:
    """``Forecaster.backtest`` of a block, by forecasters that learned before the windows.

    Args:
        fitted: One for all windows, or one for each; they hold no series.
        hidden: Steps that are hidden at the end of each series, for each window.
        level, methods, seasons: As ``Evaluation.of`` has them.
        static_df: A table of all series, or None.
    """

    fitted: Sequence[Any]
    hidden: Sequence[int]
    level: Sequence[float]
    methods: Sequence[str]
    seasons: Sequence[int]
    static_df: Any = None

    def __call__(self, block: "Table") -> "Table":
        first = self.fitted[0]
        static = of_these(self.static_df, first.options.id_col, _names(block, first.options.id_col))
        panel, _ = to_forecast(block, first._panel, first.options, static)
        panel.require(self.hidden[0] + 2, f"a backtest of {len(self.hidden)} windows")
        _require_values(panel, self.hidden[0])
        return Evaluation.of(
            self.fitted, panel, self.hidden,
            levels=self.level, methods=self.methods, seasons=self.seasons, like=block,
        ).to_frame()  # fmt: skip


def _names(block: "Table", id_col: str) -> list[Any]:
    """The series of a block; none where they have no names."""
    if id_col not in block.column_names:
        return []
    return block.column(id_col).unique().to_pylist()


def _require_values(panel: Panel, hidden: int) -> None:
    """Refuse series without a value before the first window: theirs would be the typical forecast
    of the others, which are elsewhere."""
    count = np.concatenate([[0], np.cumsum(np.isfinite(panel.y))])
    known = count[panel.offsets[1:] - hidden] - count[panel.offsets[:-1]]
    empty = [repr(panel.ids[s]) for s in np.flatnonzero(known == 0)]
    if empty:
        raise ValueError(
            f"{panel.target_col}: no value before the first window in series {some(empty)}; "
            "leave these out, or give a table in memory"
        )
