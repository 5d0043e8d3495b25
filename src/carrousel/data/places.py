"""Rows of a further table, put on the steps of series that are known already."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..wording import written
from .panel import Panel
from .read import Times

_NEAR = 100  # steps after the end of the series


def as_counted(times: Times, codes: np.ndarray, known: Panel, name: str) -> np.ndarray:
    """Times of rows of these series (N,) of ``known`` as it counts them (see ``Panel.own``).

    Raises:
        ValueError: Dates beside whole numbers, or times with a time zone beside times without.
    """
    if times.time.dtype.kind != known.start.dtype.kind:
        kinds = {"i": "whole numbers", "M": "dates"}
        raise ValueError(
            f"{name} holds {kinds[times.time.dtype.kind]}, the model's times are "
            f"{kinds[known.start.dtype.kind]}"
        )
    days = known.start.dtype.kind == "M" and not known.utc
    if times.offset is not None and known.time_zone is None and days:
        return times.local
    if (times.zone is None) != (known.time_zone is None):
        have, want = (z or "no time zone" for z in (times.zone, known.time_zone))
        raise ValueError(f"{name} has {have}, the model's times have {want}: convert them")
    return known.own(times.time, codes) if times.zone else times.time


def refuse_between(
    time: np.ndarray,
    exact: np.ndarray,
    codes: np.ndarray,
    ids: Sequence[Any],
    known: Panel,
    time_col: str,
) -> None:
    """Refuse times of ``known`` that are not those of their steps, ``exact``; ``codes`` are places
    in ``ids``."""
    wrong = np.flatnonzero(exact != time)
    if len(wrong):
        row = wrong[0]
        raise ValueError(
            f"{time_col}: {written(known.local(time[row]))} of series {ids[codes[row]]!r} lies "
            f"between the steps of freq {known.freq.alias!r}"
        )


def near(first: np.ndarray, last: np.ndarray, known: Panel) -> Callable[[np.ndarray], bool] | None:
    """Whether times may go on a series that began at ``first`` and ended at ``last`` (S,)."""
    if first.dtype.kind != "M" or not len(first):
        return None
    low = first.min() - np.timedelta64(1, "D")  # whatever the time zone
    high = known.freq.advance(last.max(), _NEAR) + np.timedelta64(1, "D")
    return lambda time: bool(np.all((time >= low) & (time <= high)))
