"""The tape: what a run of one layer in one direction leaves behind for whoever looks inside.

Backpropagation through time keeps the gates and states of every step anyway; while ``TAPE`` holds a
list, each run appends them to it as a :class:`Run`, and backward adds the gradients.

Between the calls of layers it may hold a :class:`Watch` instead: who wants to see which. Both lie
in a context variable and in nothing that others can reach, so that threads and tasks that call or
watch the same module at the same time do not meet.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .. import _core
from .changes import Change, Changes, changing, merged
from .written import of_kind


@dataclass
class Run:
    """One pass of one layer in one direction, rows time-major: step t owns ``batch_sizes[t]`` rows.

    N = sum(batch_sizes) rows; the index of a step is its position in the sequence, whichever
    direction the layer ran. ``grad_hidden`` and ``grad_cell`` are the total derivatives of the loss
    by the states after each step; they are None until backward has passed.
    """

    kind: str  # a name in ops/cells.py, or of a written cell (ops/written.py)
    reverse: bool
    batch_sizes: Tensor  # (T,) int64
    hidden: Tensor  # (N, H)
    cell: Tensor | None  # (N, H), LSTM only
    gates: Mapping[str, Tensor]  # name -> (N, H)
    h0: Tensor  # (B, H)
    c0: Tensor | None
    starts: dict[str, Tensor] = field(default_factory=dict)  # of states beside h and c, (B, H)
    changed: bool = False  # by hand, at some steps
    changes: Sequence[Change] = ()  # which, in the call's steps and rows
    grad_hidden: Tensor | None = field(default=None)
    grad_cell: Tensor | None = field(default=None)


class SavedGates(Mapping[str, Tensor]):
    """The gates in what the kernels saved, (N, S*H): views, made when they are asked for."""

    def __init__(self, names: Sequence[str], saved: Tensor, hidden: int) -> None:
        self._names, self._saved, self._hidden = names, saved, hidden
        self._made: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            first = self._names.index(name) * self._hidden
            self._made[name] = self._saved[:, first : first + self._hidden]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def copied(tensor: Tensor) -> Tensor:
    """A copy apart from any graph. The kernels' memory takes it where it can: a thread of torch's
    team that has to be woken for it costs more than it helps."""
    made = None if tensor.numel() > _MOST_COPIED else _core.kept_copy(tensor)
    return tensor.detach().clone() if made is None else made


_MOST_COPIED = 1 << 20  # values; of more a team copies in less time

BOOKS = ("kept", "written")  # of the memory at each step, where it was changed by hand


class Pieces(list[Run]):
    """A tape of runs that will be put together: nobody else is handed what they computed, so that
    it need not be copied."""


def books(run: Run, name: str) -> Tensor:
    """(N, H): what each step kept of the memory before, or wrote, by the gates or as changed."""
    cell = of_kind(run.kind)
    assert cell.keeps is not None
    assert cell.writes is not None
    if name in run.gates:
        return run.gates[name]
    return run.gates[cell.keeps] if name == "kept" else cell.writes(run.gates)


class Observer(Protocol):
    """Who wants to see calls of layers, or to change them."""

    looks: bool  # or only changes

    def wants(self, module: nn.Module) -> bool:
        """Whether calls of ``module`` are to be shown, or changed."""

    def changes(self, module: nn.Module, input: Any) -> Changes:
        """What is to be changed of a call that begins, by level and direction."""

    def saw(self, module: nn.Module, given: tuple, output: Any, runs: list[Run], own: bool) -> None:
        """A call is over: what it was given and gave; ``own``: nobody else was shown it."""


@dataclass(frozen=True)
class Watch:
    """The observers of a context."""

    observers: tuple[Observer, ...]

    def wants(self, module: nn.Module) -> bool:
        return any(observer.wants(module) for observer in self.observers)

    def show(self, module: nn.Module, forward: Callable[..., Any], input: Any, hx: Any) -> Any:
        """``forward(input, hx)``, a call of ``module``, changed as is asked for, with a tape that
        goes to who looks on."""
        wanting = [observer for observer in self.observers if observer.wants(module)]
        looking = [observer for observer in wanting if observer.looks]
        runs: list[Run] | None = [] if looking else None
        asked = merged([observer.changes(module, input) for observer in wanting])
        with taped(runs), changing(asked):
            output = forward(input, hx)
        for observer in looking:
            observer.saw(module, (input, hx), output, runs or [], len(looking) == 1)
        return output


TAPE: ContextVar[list[Run] | Watch | None] = ContextVar("carrousel_tape", default=None)


def tape() -> list[Run] | None:
    """The list that looks on, if any; never inside compiled code, which cannot look at itself."""
    if torch.compiler.is_compiling():
        return None
    found = TAPE.get()
    return None if isinstance(found, Watch) else found


def watch() -> Watch | None:
    """Who wants to see the call that begins here, if anybody; never inside compiled code."""
    if torch.compiler.is_compiling():
        return None
    found = TAPE.get()
    return found if isinstance(found, Watch) else None


@contextmanager
def taped(runs: list[Run] | None) -> Iterator[None]:
    """A block in which runs go to this list, or nowhere, in place of the one that looks on."""
    token = TAPE.set(runs)
    try:
        yield
    finally:
        TAPE.reset(token)
