"""Recurrent networks you can see through.

The names below are imported on first use, so that ``import carrousel`` costs next to nothing.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import _core as _core  # else its type would be that of __getattr__

__version__ = "0.1.0"

_HOME = {
    "RNN": "carrousel.nn",
    "LSTM": "carrousel.nn",
    "GRU": "carrousel.nn",
    "MinGRU": "carrousel.nn",
    "MinLSTM": "carrousel.nn",
    "SLSTM": "carrousel.nn",
    "RNNCell": "carrousel.nn",
    "LSTMCell": "carrousel.nn",
    "GRUCell": "carrousel.nn",
    "trace": "carrousel.tracing",
    "load_trace": "carrousel.record",
    "intervene": "carrousel.intervention",
    "adopt": "carrousel.adoption",
    "release": "carrousel.adoption",
    "adopting": "carrousel.adoption",
    "quantize": "carrousel.quantization",
    "Forecaster": "carrousel.forecast",
    "LanguageModel": "carrousel.text",
    "SequenceClassifier": "carrousel.sequence",
    "SequenceRegressor": "carrousel.sequence",
    "SequenceTagger": "carrousel.sequence",
    "Transcriber": "carrousel.sequence",
    "show": "carrousel.web.frame",
}

_MODULES = ("audio", "data", "explain", "forecast", "lab", "nn", "sequence", "text")

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"carrousel.{name}")
    if name not in _HOME:
        raise AttributeError(
            f"module 'carrousel' has no attribute {name!r}", name=name, obj=sys.modules[__name__]
        )
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
