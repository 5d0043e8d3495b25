"""What a forecaster that learns nothing must know of all series: their step, their clocks, and as
much of the longest ones as shows which seasons they have."""

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data import Panel
from ...data.reading import ReadOptions
from ...wording import some
from ..options import Options
from ..seasonality import LOOKED_AT, longest_first
from ..tables import to_learn_from
from .datasets import on_blocks

if TYPE_CHECKING:
    from pyarrow import Table
    from ray.data import Dataset


@dataclass(frozen=True)
class Survey:
    """The longest series of a block, as a panel; or why it could not be read."""

    options: Options

    def __call__(self, block: "Table") -> "Table":
        import pyarrow as pa

        found: Panel | str
        try:
            panel = to_learn_from(block, self.options)[0]
            found = panel.select(longest_first(panel)[:LOOKED_AT])
        except ValueError as error:
            found = str(error)
        return pa.table({"found": pa.array([pickle.dumps(found)], pa.binary())})


def surveyed(dataset: "Dataset", options: Options) -> Panel:
    """A panel of the longest series of a dataset, read as all of them are.

    Raises:
        ValueError: No block can be read, or blocks are read in different ways.
    """
    rows = on_blocks(dataset, options.id_col, Survey(options)).take_all()
    found = [pickle.loads(row["found"]) for row in rows]
    panels = [one for one in found if isinstance(one, Panel)]
    if not panels:
        raise ValueError(min(map(str, found), default="the dataset has no rows"))
    _require_one("freq", [panel.freq.alias for panel in panels])
    _require_one("time_zone", [panel.time_zone for panel in panels])
    for name in ("day_first", "decimal"):
        told = [getattr(panel.reading or ReadOptions(), name) for panel in panels]
        _require_one(name, [one for one in told if one is not None])
    if any(panel.covariates != panels[0].covariates for panel in panels):
        raise ValueError(
            "futr_exog: parts of the dataset hold different categories; give numbers in their place"
        )
    return joined(panels)


def joined(panels: Sequence[Panel]) -> Panel:
    """One panel of the longest series of several."""
    first = panels[0]

    def together(name: str) -> Any:
        """What all have, or none."""
        parts = [getattr(panel, name) for panel in panels]
        return None if parts[0] is None else np.concatenate(parts)

    whole = replace(
        first,
        y=together("y"),
        offsets=np.concatenate([[0], np.cumsum(np.concatenate([p.lengths for p in panels]))]),
        ids=[name for panel in panels for name in panel.ids],
        start=together("start"),
        wall=any(panel.wall for panel in panels),
        day=together("day"),
        exog=together("exog"),
        static=together("static"),
    )
    return whole.select(longest_first(whole)[:LOOKED_AT])


def _require_one(name: str, values: Iterable[Any]) -> None:
    """Raise unless all blocks say the same."""
    distinct = sorted(set(values), key=str)
    if len(distinct) > 1:
        told = some([repr(one) for one in distinct])
        raise ValueError(f"{name}: parts of the dataset show {told}; give {name}")
