"""The specification, in plain torch: what everything fast is tested against.

``cells`` and ``loops``: the recurrent layers. ``scaling``, ``features`` and ``anchors``: what a
forecaster sees of a window.
"""

from .cells import gru_step, lstm_step, rnn_step, step
from .loops import OneStep, direction, layer, level, single

__all__ = [
    "OneStep",
    "direction",
    "gru_step",
    "layer",
    "level",
    "lstm_step",
    "rnn_step",
    "single",
    "step",
]
