"""Every cell equals torch's on the full grid of sizes, depths and directions."""

import pytest
import torch
from tests.nn.sweep import EVERY_SIZE, sweep
from tests.nn.twins import CELLS


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch_at_every_size(cell: str, dtype: torch.dtype) -> None:
    sweep(cell, dtype, EVERY_SIZE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch_where_inputs_are_much_wider_than_the_batch(
    cell: str, dtype: torch.dtype
) -> None:
    """Such inputs are multiplied for several steps at a time, in several parts."""
    sweep(cell, dtype, [(1, 3, 700, 90), (4, 14, 600, 130), (3, 25, 1100, 70)])
