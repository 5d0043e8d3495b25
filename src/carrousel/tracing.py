"""Seeing inside any model: records of what its recurrent layers do while a block runs."""

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from carrousel.adoption import TORCHS, Left, adopted
from carrousel.ops.tape import TAPE, Run
from carrousel.record.collection import Records
from carrousel.record.making import Call, Chain, Window

OURS = tuple(TORCHS)


def trace(
    module: nn.Module,
    *,
    layers: Sequence[str] | None = None,
    steps: slice | None = None,
    keep: str | None = None,
) -> "Trace":
    """Record gates, states and gradients of the recurrent layers in ``module`` during a block.

    Outputs stay the same and nothing is computed twice: a record is what the backward pass needs
    anyway. Layers of ``torch.nn`` are made ours for the block and put back. Gradients are there
    after ``backward()``, also when it is called after the block.

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
        raise TypeError(f"module must be a torch.nn.Module, it is {type(module).__name__}")
    if steps is not None and steps.step not in (None, 1):
        raise ValueError(f"steps={steps} has a stride; give slice(start, stop)")
    return Trace(module, layers, steps, keep)


class Trace(Records):
    """The records made while the block runs; see :func:`trace` and :class:`Records`.

    ``left`` lists recurrent layers of which a call could not be recorded, each with the reason.
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
        self._calls: Counter[str] = Counter()
        self._chains: dict[str, Chain] = {}
        self._pending = _Pending()
        self._stack = ExitStack()

    def __enter__(self) -> "Trace":
        if self._module is None:
            raise RuntimeError("a trace is entered once; call carrousel.trace(module) again")
        module, self._module = self._module, None
        with ExitStack() as stack:
            if _has_compiled(module):
                # Compiled code has no place for a tape: it would be traced without or recompiled.
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            report = stack.enter_context(adopted(module))
            self.left = [left for left in report.left if not issubclass(left.type, OURS)]
            stack.callback(self._pending.clear)
            for name, layer in self._chosen(module).items():
                self._hook(stack, name, layer)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _chosen(self, module: nn.Module) -> dict[str, nn.Module]:
        unseen = {left.name for left in self.left}
        found: dict[str, nn.Module] = {
            name: layer
            for name, layer in module.named_modules()
            if isinstance(layer, nn.RNNBase | nn.RNNCellBase) and name not in unseen
        }
        if not found:
            reasons = "; ".join(f"{left.name!r}: {left.reason}" for left in self.left)
            raise ValueError(f"module holds no recurrent layer to record {reasons}".strip())
        if self._layers is None:
            return found
        for name in self._layers:
            if name not in found:
                raise ValueError(f"layers: {name!r} is none of the layers {list(found)}")
        return {name: found[name] for name in self._layers}

    def _hook(self, stack: ExitStack, name: str, layer: nn.Module) -> None:
        # Functions, not bound methods: a copy of the model made in the block then keeps recording
        # here, where a deep copy of a bound method would copy the trace.
        def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
            self._pending.push(module)

        def after(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
            runs, own = self._pending.pop(module)
            if output is None:
                return  # the call failed
            if not runs:
                self._leave(name, module)
            else:
                given = (*args, *(kwargs[key] for key in ("input", "hx") if key in kwargs))
                window = Window(self._steps or slice(None), self._keep, own)
                self._add(name, Call(module, given, output, runs, window))

        handle = layer.register_forward_pre_hook(before, with_kwargs=True)
        stack.callback(handle.remove)
        # First in, last out, so that traces of the same model can be nested.
        handle = layer.register_forward_hook(
            after, with_kwargs=True, always_call=True, prepend=True
        )
        stack.callback(handle.remove)

    def _why(self, name: str) -> str:
        return "".join(f"; {name!r}: {k.reason}" for k in self.left if k.name == name)

    def _leave(self, name: str, module: nn.Module) -> None:
        if all(left.name != name for left in self.left):
            reason = "it ran on torch's own path (autocast, an export, or an empty batch)"
            self.left.append(Left(name, type(module), reason))

    def _add(self, name: str, call: Call) -> None:
        """A layer makes a record at each call; a cell given its own last state continues one."""
        chain = self._chains.get(name)
        if call.is_cell and chain is not None and chain.continues_with(call):
            chain.append(call)
            return
        info = call.info(name, self._calls[name])
        self._calls[name] += 1
        if call.is_cell:
            self._chains[name] = Chain(info, call)
            self.records.append(self._chains[name].record)
        else:
            self.records.append(call.record(info))


class _Tape(list[Run]):
    """A tape that knows whether a trace inside has taken runs of it."""

    shared = False


class _Pending(threading.local):
    """The tapes of the layers that are running, per thread: a layer may call another."""

    def __init__(self) -> None:
        self.stack: list[tuple[nn.Module, Any]] = []

    def push(self, module: nn.Module) -> None:
        self.stack.append((module, TAPE.set(_Tape())))

    def pop(self, module: nn.Module) -> tuple[list[Run], bool]:
        """The runs of ``module``'s call, and whether nobody else reads them."""
        if not self.stack or self.stack[-1][0] is not module:
            return [], False  # a hook before ours raised, so that the call never began
        tape = TAPE.get()
        assert isinstance(tape, _Tape)
        TAPE.reset(self.stack.pop()[1])
        outer = TAPE.get()
        if outer is not None:
            outer.extend(tape)
        if isinstance(outer, _Tape):
            outer.shared = True
        return tape, outer is None and not tape.shared

    def clear(self) -> None:
        """Take down what an interrupt has left standing."""
        while self.stack:
            TAPE.reset(self.stack.pop()[1])


def _has_compiled(module: nn.Module) -> bool:
    eval_frame = sys.modules.get("torch._dynamo.eval_frame")
    if eval_frame is None:
        return False
    return any(
        isinstance(m, eval_frame.OptimizedModule) or m._compiled_call_impl is not None
        for m in module.modules()
    )
