"""The specification, in plain torch: what everything fast is tested against.

``cells``: the recurrent layers. ``scaling``, ``features`` and ``anchors``: what a forecaster sees
of a window.
"""

from .cells import direction, gru_step, layer, lstm_step, rnn_step, single, step

__all__ = ["direction", "gru_step", "layer", "lstm_step", "rnn_step", "single", "step"]
