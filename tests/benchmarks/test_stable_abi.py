"""The benchmark calls the kernels as they are built now."""

import pytest
from benchmarks.stable_abi import CELLS, timer

from carrousel import _core
from carrousel.ops.cells import BY_MODE, MODES


@pytest.mark.parametrize("cell", CELLS)
def test_a_call_is_timed(cell: str) -> None:
    assert timer(_core, cell, 3)() > 0


def test_cells_are_numbered_as_the_kernels_are() -> None:
    found = {name: (MODES[number], gates) for name, (number, gates) in CELLS.items()}
    assert found == {"RNN": ("RNN_TANH", 1), "LSTM": ("LSTM", 4), "GRU": ("GRU", 3)}
    assert all(BY_MODE[mode].blocks == gates for mode, gates in found.values())
