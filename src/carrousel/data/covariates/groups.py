"""Series that share a hidden state."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...wording import some, written
from ..panel import Panel
from .spec import Spec


def group_codes(panel: Panel) -> tuple[np.ndarray, np.ndarray] | None:
    """(S,) the group of each series and its place in it; None for a panel without groups."""
    spec: Spec | None = panel.covariates
    if spec is None or not spec.groups:
        return None
    if spec.groups is True:
        places = {name: k for k, name in enumerate(spec.members)}
        strange = [repr(name) for name in panel.ids if str(name) not in places]
        if strange:
            raise ValueError(
                f"groups: series {some(strange)} are not of the group that was learned"
            )
        slots = np.array([places[str(name)] for name in panel.ids], np.int64)
        return np.zeros(panel.n_series, np.int64), slots
    assert panel.static is not None
    code = panel.static[:, spec.static.index(str(spec.groups))]
    unknown = [repr(panel.ids[s]) for s in np.flatnonzero(np.isnan(code))]
    if unknown:
        raise ValueError(f"groups: {spec.groups!r} of series {some(unknown)} is missing or new")
    return np.unique(code, return_inverse=True)[1], np.zeros(panel.n_series, np.int64)


def refuse_ragged(panel: Panel) -> None:
    codes = group_codes(panel)
    if codes is not None:
        refuse_apart(codes[0], panel.ends, panel.ids, panel)


def refuse_apart(codes: np.ndarray, end: np.ndarray, ids: Sequence[Any], known: Panel) -> None:
    """Series of a group (S,) must end (S,), in times of ``known``, together."""
    last = np.full(int(codes.max(initial=-1)) + 1, end.min() if len(end) else 0, end.dtype)
    np.maximum.at(last, codes, end)
    early = np.flatnonzero(end != last[codes])
    if len(early):
        s = early[0]
        raise ValueError(
            f"groups: series of a group must end at the same time, but {ids[s]!r} ends at "
            f"{written(known.local(end[s]))} and its group at "
            f"{written(known.local(last[codes[s]]))}; give its rows too, "
            "with an empty value where it is missing"
        )
