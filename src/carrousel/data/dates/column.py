"""A column of times as text, of which each text is read once."""

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Times:
    """What a column of text says."""

    time: np.ndarray  # (N,) datetime64[us]: in UTC where there are offsets
    offset: np.ndarray | None  # (N,) timedelta64[us] east of UTC, where they are written
    order: str | None  # dmy or mdy, where the column told
    notes: tuple[str, ...] = ()


def row_of(text: pl.Series, cell: str) -> int:
    """The number of the first row that holds ``cell``, counted from 1."""
    return int((text == cell).arg_max() or 0) + 1


def rows_of(text: pl.Series, cells: pl.Series) -> np.ndarray:
    """The place of each text among the distinct ``cells``."""
    if len(cells) == len(text):
        return np.arange(len(text))
    places = pl.DataFrame({"cell": cells, "place": np.arange(len(cells))})
    joined = pl.DataFrame({"cell": text}).join(places, on="cell", how="left", maintain_order="left")
    return joined["place"].to_numpy()
