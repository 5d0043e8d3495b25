"""The one table of cells: what everything else asks of a kind of cell, and what it is called.

Whoever must know more than this (the equations, the kernels, a picture) has a table of its own
whose keys are the rows of this one; nobody compares names. CONTRIBUTING.md says how a cell is
added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Gates = Mapping[str, Any]  # tensors; torch itself is not needed here


@dataclass(frozen=True, eq=False)
class Cell:
    """One kind of cell.

    A memory, where there is one, is a sum: state = keeps * state before + what a step writes.
    """

    name: str  # in options, records and files
    title: str  # of the layer's class, ours and torch's; with "Cell" behind it of one step's
    modes: tuple[str, ...]  # torch's names of it, one for each nonlinearity
    gates: tuple[str, ...] = ()  # in the order of the weights' blocks
    shown: tuple[str, ...] = ()  # the same in the order in which people read them
    saved: int = 0  # values that the kernels save for a unit and step
    has_cell: bool = False  # whether a cell state, the memory, is carried beside the hidden one
    keeps: str | None = None  # the gate that keeps the memory; None: no memory that is a sum
    exposes: str | None = None  # the gate o of h = o tanh(memory); None: h is the memory
    normalizes: str | None = None  # the state n of h = o memory / n, in the place of the tanh
    writes: Callable[[Gates], Any] | None = None  # into the memory at each step
    weight: Callable[[Gates], Any] | None = None  # what rounding of that is relative to
    forget_bias: bool = False  # whether its layer has the options forget_bias and chrono
    normalized: str | None = None  # its mode with layer normalization, where there is one

    @property
    def blocks(self) -> int:
        """Rows of the weights for a unit."""
        return len(self.gates) or 1

    @property
    def states(self) -> int:
        """Tensors that a layer carries on from step to step."""
        return len(self.state_names)

    @property
    def further(self) -> tuple[str, ...]:
        """States beside the hidden and the cell state, which records show among the gates."""
        return self.shown[len(self.gates) :]

    @property
    def state_names(self) -> tuple[str, ...]:
        """All states, in the order in which a layer gives them."""
        return ("hidden", *(("cell",) if self.has_cell else ()), *self.further)

    def saved_by(self, mode: str) -> int:
        """Values that the kernels save for a unit and step: ``saved``, and with layer
        normalization the sums W_ih x and W_hh h behind them."""
        return self.saved + (2 * self.blocks if mode == self.normalized else 0)

    def norm_rows(self, mode: str) -> int:
        """Gains and biases of layer normalization for a unit, beside the usual biases: gains of
        W_ih x and W_hh h, and of a cell state gain and bias."""
        return 2 * self.blocks + 2 * self.has_cell if mode == self.normalized else 0


LSTM = Cell(
    "lstm", "LSTM", ("LSTM",), ("input", "forget", "candidate", "output"),
    ("forget", "input", "candidate", "output"), saved=4, has_cell=True, keeps="forget",
    exposes="output", forget_bias=True, normalized="LSTM_NORM",
    writes=lambda gates: gates["input"] * gates["candidate"],
    weight=lambda gates: (gates["input"] * gates["candidate"]).abs(),
)  # fmt: skip
GRU = Cell(
    "gru", "GRU", ("GRU",), ("reset", "update", "candidate"), ("reset", "update", "candidate"),
    saved=4, keeps="update", normalized="GRU_NORM",
    writes=lambda gates: (1 - gates["update"]) * gates["candidate"],
    weight=lambda gates: gates["candidate"].abs(),
)  # fmt: skip
RNN = Cell("rnn", "RNN", ("RNN_TANH", "RNN_RELU"))

# Cells that torch has no layer for (carrousel.newer_layers), and no model of ours asks for by name.
MIN_GRU = Cell(
    "min_gru", "MinGRU", ("MIN_GRU",), ("update", "candidate"), ("update", "candidate"),
    keeps="update", writes=GRU.writes, weight=GRU.weight,
)  # fmt: skip
MIN_LSTM = Cell(
    "min_lstm", "MinLSTM", ("MIN_LSTM",), ("forget", "input", "candidate"),
    ("forget", "input", "candidate"), keeps="forget", writes=LSTM.writes, weight=LSTM.weight,
)  # fmt: skip
SLSTM = Cell(
    "slstm", "SLSTM", ("SLSTM",), LSTM.gates, (*LSTM.shown, "normalizer", "stabilizer"),
    has_cell=True, keeps="forget", exposes="output", normalizes="normalizer",
    writes=LSTM.writes, weight=LSTM.weight,
)  # fmt: skip

CELLS = {cell.name: cell for cell in (LSTM, GRU, RNN)}
NAMES = tuple(CELLS)
RECORDED = CELLS | {cell.name: cell for cell in (MIN_GRU, MIN_LSTM, SLSTM)}  # by a record's kind
# Those that have kernels, in the order of their enum (csrc/kernels.h): a mode is handed down by its
# place. For any other mode the equations run.
PLAIN_MODES = ("RNN_TANH", "RNN_RELU", "LSTM", "GRU")
HALF = {mode: f"HALF_{mode}" for mode in PLAIN_MODES}  # with products of bfloat16
PLAIN = {half: mode for mode, half in HALF.items()}
MODES = (*PLAIN_MODES, "LSTM_NORM", "GRU_NORM", *HALF.values())
NUMBER = {mode: number for number, mode in enumerate(MODES)}
BY_MODE = {mode: cell for cell in RECORDED.values() for mode in cell.modes}
BY_MODE |= {cell.normalized: cell for cell in CELLS.values() if cell.normalized is not None}
BY_MODE |= {half: BY_MODE[mode] for mode, half in HALF.items()}


def nonlinearity(mode: str) -> str:
    """What torch names a mode after: RNN_TANH -> tanh."""
    return mode.rpartition("_")[2].lower()


def name_of(module: object) -> str | None:
    """Of a layer's or a one-step cell's kind, ours, torch's or derived; None if it is of none."""
    cell = BY_MODE.get(getattr(module, "mode", ""))
    own: Cell | None = getattr(module, "own_cell", None)
    if own is not None:
        return own.name
    classes = {one.__name__ for one in type(module).__mro__}
    found = (one for one in RECORDED.values() if one is cell or f"{one.title}Cell" in classes)
    return next((one.name for one in found), None)
