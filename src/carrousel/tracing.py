"""Seeing inside any model: records of what its recurrent layers do while a block runs."""

import functools
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from .adoption import BASES, OURS, Left, adopted_class, is_recurrent, refuse_scripted
from .ops.tape import TAPE, Run, Watch, watch
from .patching import Replaced, Together
from .record.collection import Records
from .record.making import Call, Chain, Window
from .wording import one_of

_OURS = BASES
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

    Parameters
    ----------
    module : any module that holds recurrent layers, or one itself
    layers : names of the layers to record; all by default
    steps : ``slice(start, stop)`` of the steps to keep; all by default, and always for cells
    keep : a device such as "cpu" to which what is kept is moved; where it is by default

    Raises
    ------
    TypeError, ValueError
        If ``module`` is no module or holds no layer that can be recorded, a name in ``layers`` is
        none of its layers, or ``steps`` has a stride.

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
            if _has_compiled(module):
                # Compiled code has no place for a tape: it would be traced without or recompiled.
                stack.enter_context(_UNCOMPILED)
            chosen = self._chosen(module)
            stack.enter_context(standing_in(list(chosen.values())))
            self._watched = {id(layer): (name, layer) for name, layer in chosen.items()}
            stack.callback(self._look_away, self._look())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        watched = list(self._watched.values())
        self._stack.close()
        known = {*self.names, *(left.name for left in self.left)}
        if exception[:1] == (None,):
            unseen = [pair for pair in watched if pair[0] not in known]
            self.left += [Left(name, type(layer), _UNSEEN) for name, layer in unseen]

    def _look(self) -> tuple[Any, Watch]:
        """Join whoever watches in this context; what was there, and what is."""
        before = TAPE.get()
        others = before.observers if isinstance(before, Watch) else ()
        now = Watch((*others, self))
        TAPE.set(now)
        return before, now

    def _look_away(self, change: tuple[Any, Watch]) -> None:
        self._watched = {}  # contexts that were copied in the block see nothing from now on
        before, ours = change
        now = TAPE.get()
        if now is ours:
            TAPE.set(before)
        elif isinstance(now, Watch):  # blocks that do not end in the order in which they began
            rest = tuple(one for one in now.observers if one is not self)
            TAPE.set(Watch(rest) if rest else None)

    def _chosen(self, module: nn.Module) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {}
        for name, layer in module.named_modules():
            if not is_recurrent(layer):
                continue
            try:
                refuse_scripted(layer)
                if not isinstance(layer, _OURS):
                    adopted_class(type(layer))
                found[name] = layer
            except (ValueError, TypeError) as reason:
                self.left.append(Left(name, type(layer), str(reason)))
        if not found:
            reasons = "; ".join(f"{left.name!r}: {left.reason}" for left in self.left)
            raise ValueError(f"module holds no recurrent layer to record {reasons}".strip())
        if self._layers is None:
            return found
        for name in self._layers:
            one_of("layers", name, found)
        return {name: found[name] for name in self._layers}

    def wants(self, module: nn.Module) -> bool:
        return id(module) in self._watched

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


# Layers of torch.nn, run by ours --------------------------------------------------------------

# Torch's forward passes leave nothing to look at, so that ours must run in their place, and only
# for whoever watches. A module has one class and one set of hooks for all threads: to swap the
# class, or to hook the module, would change it under others that are calling, copying or compiling
# it. A TorchFunctionMode belongs to a thread, not to an asyncio task, and slows every function of
# torch in the block. So the class's ``forward`` asks, while some trace is open, who is calling.
_FORWARD = Replaced("forward")


@contextmanager
def standing_in(layers: Sequence[nn.Module]) -> Iterator[None]:
    """A block in which ours run in the place of these layers for those who watch them."""
    classes = {type(layer) for layer in layers if not isinstance(layer, _OURS)}
    mixed = [adopted_class(cls) for cls in classes]  # kept, or each call would make one anew
    makers = {
        theirs: functools.partial(_asking, mine)
        for theirs, mine in OURS.items()
        if any(issubclass(cls, theirs) for cls in classes)
    }
    with _FORWARD.by(makers):
        yield
    del mixed


def _asking(mine: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """``original``, and ``mine`` for whoever watches the layer that is called."""

    @functools.wraps(original)
    def forward(self: nn.Module, input: Any, hx: Any = None) -> Any:
        looking = watch()
        if looking is None or isinstance(self, _OURS) or not looking.wants(self):
            return original(self, input, hx)
        run = functools.partial(mine._carrousel_forward, stand_in(self))
        return looking.show(self, run, input, hx)

    return forward


def stand_in(layer: nn.Module) -> nn.Module:
    """The layer once more, as one of ours: the same attributes, to the last one that is set."""
    other: nn.Module = object.__new__(adopted_class(type(layer)))
    object.__setattr__(other, "__dict__", layer.__dict__)
    return other


# Compiled models ------------------------------------------------------------------------------

# The stance is one for the process: while a compiled model is traced, others run uncompiled too.
_UNCOMPILED = Together(lambda: torch.compiler.set_stance("force_eager"))


def _has_compiled(module: nn.Module) -> bool:
    eval_frame = sys.modules.get("torch._dynamo.eval_frame")
    if eval_frame is None:
        return False
    return any(
        isinstance(m, eval_frame.OptimizedModule) or m._compiled_call_impl is not None
        for m in module.modules()
    )
