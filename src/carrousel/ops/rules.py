"""The table of recurrences that run on the inputs' sums (csrc/recurrence.inl.h): one row a rule.

A rule is what a layer does at each step once ``W_ih x`` and the biases are there: cells that torch
lacks, and the LSTM, GRU and RNN with something between their steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import cells
from .cells import Cell


@dataclass(frozen=True, eq=False)
class Rule:
    """As csrc/kernels.h has it, in the order of its enum."""

    number: int
    cell: Cell
    gates: int  # G, rows of the weights for a unit
    states: int = 1  # S, the hidden state first
    saved: int = 1  # K, values saved for a unit and step
    kept: int = 1  # E, gradients of sums for a unit and step
    product: bool = True  # whether it reads the hidden state by a weight
    first: int = 0  # where among those gradients the product's begin
    variant: bool = False  # positive candidates, an exponential forget gate, relu, or coupled


MIN_GRU = Rule(0, cells.MIN_GRU, 2, saved=2, kept=2, product=False)
MIN_GRU_POSITIVE = Rule(1, cells.MIN_GRU, 2, saved=2, kept=2, product=False, variant=True)
MIN_LSTM = Rule(2, cells.MIN_LSTM, 3, saved=4, kept=3, product=False)
MIN_LSTM_POSITIVE = Rule(3, cells.MIN_LSTM, 3, saved=4, kept=3, product=False, variant=True)
SLSTM = Rule(4, cells.SLSTM, 4, states=4, saved=5, kept=4)
SLSTM_EXPONENTIAL = Rule(5, cells.SLSTM, 4, states=4, saved=5, kept=4, variant=True)
RNN_TANH = Rule(6, cells.RNN, 1)
RNN_RELU = Rule(7, cells.RNN, 1, variant=True)
GRU = Rule(8, cells.GRU, 3, saved=4, kept=4, first=1)
LSTM = Rule(9, cells.LSTM, 4, states=2, saved=4, kept=4)
LSTM_COUPLED = Rule(10, cells.LSTM, 3, states=2, saved=4, kept=3, variant=True)

RULES = (
    MIN_GRU, MIN_GRU_POSITIVE, MIN_LSTM, MIN_LSTM_POSITIVE, SLSTM, SLSTM_EXPONENTIAL,
    RNN_TANH, RNN_RELU, GRU, LSTM, LSTM_COUPLED,
)  # fmt: skip
BY_MODE = dict(zip(cells.RNN.modes, (RNN_TANH, RNN_RELU), strict=True))
BY_MODE |= {cells.GRU.modes[0]: GRU, cells.LSTM.modes[0]: LSTM}
