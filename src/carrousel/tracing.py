"""Seeing inside any model: records of what its recurrent layers do while a block runs."""

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from .adoption import Left
from .ops.changes import Changes
from .ops.tape import Run
from .record.collection import Records
from .record.making import Call, Chain, Window
from .watching import recurrent_layers, watching

_UNSEEN = (
    "no call of it was seen: the block did not call it, or did so in another thread, in a copy of "
    "the model, in code compiled around it, or by handing its weights to torch's functions"
)


def trace(
    module: nn.Module,
    *,
    layers: Sequence[str] | None = None,
    steps: slice | None = None,
    keep: str | None = None,
) -> "Trace":
    """Record gates, states and gradients of the recurrent layers in ``module`` during a block.

    Outputs stay the same and nothing is computed twice: a record is what the backward pass needs
    anyway. Layers of ``torch.nn`` run on our kernels for the block. Gradients are there after
    ``backward()``, also when it is called after the block or from another thread.

    What is recorded are the calls of the thread, or asyncio task, that opened the block, and of
    whatever runs in a copy of its context (:func:`contextvars.copy_context`): tasks that it
    starts, ``asyncio.to_thread``. Nothing in the model changes; others may call and trace it
    meanwhile.

    Cells are recorded too: calls that are handed the state of the call before make one record.

    Args:
        module: any module that holds recurrent layers, or one itself
        layers: names of the layers to record; all by default
        steps: ``slice(start, stop)`` of the steps to keep; all by default, and always for cells
        keep: a device such as "cpu" to which what is kept is moved; where it is by default

    Raises:
        TypeError, ValueError: If ``module`` is no module or holds no layer that can be recorded, a
            name in ``layers`` is none of its layers, or ``steps`` has a stride.

    >>> import torch, carrousel
    >>> model = torch.nn.Sequential(torch.nn.LSTM(3, 4))
    >>> with carrousel.trace(model) as trace:
    ...     output, _ = model(torch.randn(7, 2, 3))
    ...     output.sum().backward()
    >>> trace["0"].gates["forget"].shape, trace["0"].grad_cell.shape
    (torch.Size([1, 7, 2, 4]), torch.Size([1, 7, 2, 4]))
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    if steps is not None and not isinstance(steps, slice):
        raise TypeError(f"steps must be slice(start, stop) or None, got {steps!r}")
    if steps is not None and steps.step not in (None, 1):
        raise ValueError(f"steps must be slice(start, stop) without a stride, got {steps}")
    if isinstance(layers, str):
        raise TypeError(f"layers must be a list of names, got {layers!r}")
    if keep is not None:
        try:
            torch.device(keep)
        except (RuntimeError, TypeError):
            accepted = "a device, such as 'cpu' or 'cuda:0'"
            raise ValueError(f"keep must be {accepted}, got {keep!r}") from None
    return Trace(module, layers, steps, keep)


class Trace(Records):
    """The records made while the block runs; see :func:`trace` and :class:`Records`.

    ``left`` lists recurrent layers of which a call could not be recorded, each with the reason;
    after the block also those of which no call was seen.
    """

    looks = True

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[str] | None,
        steps: slice | None,
        keep: str | None,
    ) -> None:
        super().__init__()
        self.left: list[Left] = []
        self._module: nn.Module | None = module
        self._layers, self._steps, self._keep = layers, steps, keep
        self._watched: dict[int, tuple[str, nn.Module]] = {}  # by the layer's id, while open
        self._calls: Counter[str] = Counter()
        self._chains: dict[str, Chain] = {}
        self._adding = threading.Lock()  # copies of the context may run in several threads
        self._stack = ExitStack()

    def __enter__(self) -> "Trace":
        if self._module is None:
            raise RuntimeError("a trace is entered once; call carrousel.trace(module) again")
        module, self._module = self._module, None
        with ExitStack() as stack:
            chosen, self.left = recurrent_layers(module, self._layers)
            self._watched = {id(layer): (name, layer) for name, layer in chosen.items()}
            watching(self, module, list(chosen.values()), stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        watched = list(self._watched.values())
        self._stack.close()
        self._watched = {}  # contexts that were copied in the block see nothing from now on
        known = {*self.names, *(left.name for left in self.left)}
        if exception[:1] == (None,):
            unseen = [pair for pair in watched if pair[0] not in known]
            self.left += [Left(name, type(layer), _UNSEEN) for name, layer in unseen]

    def wants(self, module: nn.Module) -> bool:
        return id(module) in self._watched

    def changes(self, module: nn.Module, input: Any) -> Changes:
        return {}

    def saw(self, module: nn.Module, given: tuple, output: Any, runs: list[Run], own: bool) -> None:
        name, _ = self._watched.get(id(module), (None, None))
        if name is None:
            return  # the block has ended meanwhile
        with self._adding:
            if not runs:
                self._leave(name, module)
            else:
                window = Window(self._steps or slice(None), self._keep, own)
                self._add(name, Call(module, given, output, runs, window))

    def _why(self, name: str) -> str:
        reasons = {k.name: k.reason for k in self.left}
        reasons = {n: _UNSEEN for n, _ in self._watched.values() if n not in self.names} | reasons
        found = [n for n in reasons if n == name or n.endswith("." + name)]
        return "".join(f"; {n!r}: {reasons[n]}" for n in found)

    def _leave(self, name: str, module: nn.Module) -> None:
        if all(left.name != name for left in self.left):
            reason = "it ran on torch's own path (autocast, an export, or an empty batch)"
            self.left.append(Left(name, type(module), reason))

    def _add(self, name: str, call: Call) -> None:
        """A layer makes a record at each call; a cell given its own last state continues one."""
        chain = self._chains.get(name)
        if call.is_cell and chain is not None and chain.continues_with(call):
            chain.go_on(call)
            return
        info = call.info(name, self._calls[name])
        self._calls[name] += 1
        if call.is_cell:
            self._chains[name] = Chain(info, call)
            self.records.append(self._chains[name].record)
        else:
            self.records.append(call.record(info))
