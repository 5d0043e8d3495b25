"""Stores as a forecaster uses them: to learn from, to forecast, and what of them a model holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from ...data.frequency import Frequency
from ...data.panel import Panel
from ...data.store import Store, is_source, open_store
from ...data.wall import clock_changed
from ..options import BESIDE, Options

ONE_TABLE = (
    "cannot be used with a directory, a glob or a lazy frame; give one table that fits in memory"
)
HELD = 1 << 22  # values that a model may hold; with more it holds no series


def read_as_source(data: Any, options: Options) -> bool:
    """Whether ``data`` is read by way of a store; of lazy frames those with covariates are not."""
    if isinstance(data, pl.LazyFrame):  # of one series without a name, too
        beside = any(getattr(options, name) for name in BESIDE)
        return not beside and options.id_col in data.collect_schema()
    return is_source(data)


def refuse_tables_beside(**tables: Any) -> None:
    """Refuse tables beside a source, by the name of the argument."""
    for name, table in tables.items():
        if table is not None:
            raise ValueError(f"{name} {ONE_TABLE}")


@contextmanager
def stored(
    data: Any,
    options: Options,
    *,
    learned: Frequency | None = None,
    on_error: str = "stop",
    cache: str | Path | None = None,
) -> Iterator[Store]:
    """The store of what is to be learned from, or forecast by a model of series as ``learned``;
    that of a lazy frame goes afterwards.

    Raises:
        ValueError: The options ask for covariates; the series are of another frequency.
    """
    for name in BESIDE:
        if getattr(options, name):
            raise ValueError(f"{name} {ONE_TABLE}")
    store = open_store(
        data,
        id_col=options.id_col,
        time_col=options.time_col,
        target_col=options.target_col,
        freq=options.freq,
        expected=learned,
        reading=options.reading,
        on_error=on_error,
        cache=cache,
    )
    try:
        if learned is not None and store.description.freq != learned:
            raise ValueError(
                f"the model is for {learned} series, the data is {store.description.freq}"
            )
        yield store
    finally:
        if isinstance(data, pl.LazyFrame):
            store.remove()


def to_learn(store: Store) -> Panel:
    """All series of a store as a panel that is mapped.

    Raises:
        ValueError: Clocks are changed while the series last: they would be learned from by the
            clock on the wall, which the store does not keep.
    """
    panel = store.panel()
    if panel.time_zone and panel.utc and clock_changed(panel):
        raise ValueError(
            f"{panel.time_col}: clocks of {panel.time_zone} are changed while these series last; "
            "to learn from many files, write their times in UTC or as local times without a zone"
        )
    return panel


def held(store: Store) -> Panel:
    """What a model holds of the series that it learned from: all, or none where they are many."""
    return store.between(0, store.n_series) if store.n_values <= HELD else store.sample()


def in_memory(data: Any, options: Options, learned: Frequency | None, instead: str) -> Panel:
    """All series of a source, where what is asked needs them at once.

    Raises:
        ValueError: There are too many; ``instead`` says what to do.
    """
    with stored(data, options, learned=learned) as store:
        panel = held(store)
    if not panel.n_series:
        raise ValueError(f"data: there are too many series to be looked at together; {instead}")
    return panel
