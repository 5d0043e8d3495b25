"""What torch's tools ask of a layer's class: TorchScript, quantization, ``torch.fx``.

They go by the classes of ``torch.nn`` and know no others. Each is answered with what it would make
of torch's own layer, or told what to do instead.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.fx import Proxy


class Torchlike(nn.Module):
    """Behaves in the hands of torch's tools as torch's layer of the same name does."""

    @classmethod
    def _released(cls) -> type | None:
        """torch's class, or that which somebody wrote on it; None where there is none."""
        written = vars(cls).get("_carrousel_original")
        if written is not None or cls.__module__ != "carrousel.nn":
            return written
        return next(base for base in (*cls.__mro__, _torchs(cls)) if _is_torchs(base))

    def __prepare_scriptable__(self) -> nn.Module:
        """TorchScript compiles torch's own layer, with the very same parameters.

        It puts what it compiles into the model, too, so that the model is released afterwards.
        """
        if getattr(self, "_beyond", False):
            raise TypeError(
                f"TorchScript knows torch.nn's layers alone, which lack {self._beyond_torch()[0]}: "  # type: ignore[operator]
                "compile a model without it, or use torch.export"
            )
        theirs = self._released()
        if theirs is None:
            raise TypeError(
                f"TorchScript cannot compile {type(self).__name__}, which is parametrized or was "
                "written as a subclass of carrousel's layer: compile a model without it, or use "
                "torch.export"
            )
        twin: nn.Module = object.__new__(theirs)
        object.__setattr__(twin, "__dict__", self.__dict__)
        return twin

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "qconfig":  # the first thing that quantization does to a module
            raise TypeError(
                f"torch.ao.quantization knows torch.nn's layers alone and would leave this "
                f"{type(self).__name__} as it is: call carrousel.release(model) before, and "
                "carrousel.adopt(model) afterwards for what was not quantized"
            )
        super().__setattr__(name, value)


def _torchs(cls: Any) -> type:
    return getattr(cls, "_torchs", nn.Module)


def _is_torchs(cls: type) -> bool:
    leaf = issubclass(cls, nn.RNNBase | nn.RNNCellBase)
    return cls.__module__ == "torch.nn.modules.rnn" and leaf and not cls.__name__.endswith("Base")


def as_leaf(module: nn.Module, input: Any, hx: Any, **options: Any) -> Proxy | None:
    """The call as one node of a graph that ``torch.fx`` is tracing; None if it is not.

    ``torch.fx`` takes modules as leaves by the name of their file; ours say so themselves.
    """
    states = hx if isinstance(hx, tuple | list) else (hx,)
    proxy = next((one for one in (input, *states) if isinstance(one, Proxy)), None)
    if proxy is None:
        return None
    path = proxy.tracer.path_of_module(module)  # type: ignore[attr-defined]
    arguments = (input,) if hx is None else (input, hx)
    return proxy.tracer.create_proxy("call_module", path, arguments, options) if path else None
