"""Cells that somebody wrote, with gates and states of their own: a row of the table for each.

The name of such a row says all that there is to know of it, so that the kind of a record, from a
file too, is enough to find it again::

    leaky: gates keep, new; states hidden, cell; cell = keep * cell + (1 - keep) * new
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

from .cells import RECORDED, Cell, Gates

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
FORM = "cell = gate * cell + factor * factor ..., a factor being a gate or (1 - gate)"
_FACTOR = r"(?:\w+|\(1-\w+\))"
_SUM = re.compile(rf"(\w+)=(\w+)\*(\w+)\+({_FACTOR}(?:\*{_FACTOR})*)", re.ASCII)
_ROW = re.compile(r"(\w+): gates ([\w, ]+); states ([\w, ]+?)(?:; ([^;]+))?", re.ASCII)


class WrittenCell(Cell):
    """Such a row, which is copied and pickled by its name."""

    def __reduce__(self) -> tuple[Any, ...]:
        return of_kind, (self.name,)


def kind_of(name: str, gates: Sequence[str], states: Sequence[str], memory: str | None) -> str:
    """The name of a row.

    >>> kind_of("leaky", ["keep", "new"], ["hidden"], "hidden = keep * hidden + new")
    'leaky: gates keep, new; states hidden; hidden = keep * hidden + new'
    """
    parts = [f"gates {', '.join(gates) or 'none'}", f"states {', '.join(states)}"]
    if memory is not None:
        state, keeps, written = _parsed(memory, gates, states)
        parts.append(f"{state} = {keeps} * {state} + {' * '.join(written)}".replace("1-", "1 - "))
    return f"{name if NAME.fullmatch(name) else 'written'}: {'; '.join(parts)}"


def of_kind(kind: str) -> Cell:
    """The row of this name, written or not; ``ValueError`` if there is none.

    >>> of_kind("lstm").keeps
    'forget'
    """
    found = RECORDED.get(kind)
    return _row(kind) if found is None else found


def short(kind: str) -> str:
    """A kind as it is called, without what it is.

    >>> short("leaky: gates keep, new; states hidden"), short("lstm")
    ('leaky', 'lstm')
    """
    return kind.partition(":")[0]


@lru_cache(maxsize=64)
def _row(kind: str) -> Cell:
    found = _ROW.fullmatch(kind)
    if found is None:
        raise ValueError(f"kind must be that of a recurrent layer, got {kind!r:.80}")
    name, gates, states, memory = found.groups()
    own = () if gates == "none" else tuple(gates.split(", "))
    return _made(kind, name, own, tuple(states.split(", ")), memory)


def _made(
    kind: str, name: str, gates: tuple[str, ...], states: tuple[str, ...], memory: str | None
) -> Cell:
    check_names(gates, states)
    has_cell = states[1:2] == ("cell",)
    known: dict[str, Any] = {"has_cell": has_cell, "shown": (*gates, *states[1 + has_cell :])}
    if memory is not None:
        _, keeps, written = _parsed(memory, gates, states)
        known |= {"keeps": keeps, "writes": _product(written), "weight": _size(written)}
    return WrittenCell(kind, name, (), gates, **known)


def check_names(gates: Sequence[str], states: Sequence[str]) -> None:
    """``ValueError`` for names that are none, or not each one's own, or stand in a wrong place."""
    if list(states[:1]) != ["hidden"]:
        raise ValueError(f"states must begin with 'hidden', got {tuple(states)}")
    if "cell" in states[2:]:
        raise ValueError(f"states must have 'cell' second where there is one, got {tuple(states)}")
    names = [*gates, *states]
    for kind, own in (("gates", gates), ("states", states)):
        for name in own:
            if not isinstance(name, str) or NAME.fullmatch(name) is None:
                raise ValueError(f"{kind} must have names of letters and digits, got {name!r}")
            if name in _TAKEN or name.startswith(("initial_", "grad_")) or names.count(name) > 1:
                raise ValueError(f"{kind} must have names that nothing else has, got {name!r}")


_TAKEN = {"kept", "written", "inputs", "lengths", "none"}  # by what else a record holds


def _parsed(
    memory: str, gates: Sequence[str], states: Sequence[str]
) -> tuple[str, str, tuple[str, ...]]:
    """The state that is the memory, the gate that keeps it, and the factors of what is written."""
    found = _SUM.fullmatch(re.sub(r"\s", "", memory))
    state = "cell" if "cell" in states else "hidden"
    if found is None or {found[1], found[3]} != {state}:
        raise ValueError(
            f"memory must be {FORM.replace('cell', state)}, of the gates {tuple(gates)}, "
            f"got {memory!r}"
        )
    written = tuple(found[4].split("*"))
    for name in (found[2], *(factor.strip("()").removeprefix("1-") for factor in written)):
        if name not in gates:
            raise ValueError(f"memory must be made of the gates {tuple(gates)}, got {name!r} in it")
    return state, found[2], written


def _product(factors: tuple[str, ...]) -> Callable[[Gates], Any]:
    def writes(gates: Gates) -> Any:
        return prod(1 - gates[one[3:-1]] if one.startswith("(") else gates[one] for one in factors)

    return writes


def _size(factors: tuple[str, ...]) -> Callable[[Gates], Any]:
    """As large as what is rounded: 1 and the gate of a difference from 1, not what is left."""

    def weight(gates: Gates) -> Any:
        return prod(
            1 + gates[one[3:-1]].abs() if one.startswith("(") else gates[one].abs()
            for one in factors
        )

    return weight
