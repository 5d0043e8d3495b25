"""A store without the end of each series: what was known at some time in the past."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ...storage.files import write_json
from ...storage.tempfiles import with_lock
from ..panel import Panel
from .build import SeriesWriter, made_beside
from .store import META, Store


def earlier(store: Store, drop: int, least: int = 0) -> Store:
    """The series of at least ``least`` steps, without their last ``drop`` steps; made once beside
    the store, with which it goes.

    Raises:
        ValueError: No series is so long.
    """
    lengths = np.diff(store.offsets)
    if not drop and (lengths >= least).all():
        return store
    if not (lengths >= least).any():
        raise ValueError(f"no series has {least:,} steps; the longest has {lengths.max():,}")
    root = store.folder.parent
    place = root / f"{store.folder.name}-{drop}-{least}"
    with with_lock(root):
        if not place.exists():
            _copy(store, drop, least, place)
    return Store(place, verify=False)


def _copy(store: Store, drop: int, least: int, place: Path) -> None:
    with made_beside(place) as work:
        count, new = 0, work / place.name
        new.mkdir()
        with SeriesWriter(new, store.description.text, store.description.dtype) as writer:
            for i in range(store.n_blocks):
                panel = _cut(store.block(i), drop, least)
                writer.add(panel)
                count += panel.n_series
        told = replace(
            store.description, series=count, values=writer.values, files=writer.files, notes=()
        )
        write_json(new / META, asdict(told))


def _cut(panel: Panel, drop: int, least: int) -> Panel:
    long = np.flatnonzero(panel.lengths >= least)
    panel = panel if len(long) == panel.n_series else panel.select(long)
    return panel.head(drop) if drop else panel
