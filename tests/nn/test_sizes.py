"""Every cell equals torch's on the full grid of sizes, depths and directions."""

import pytest
import torch
from tests.nn.sweep import EVERY_SIZE, sweep
from tests.nn.twins import CELLS


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch_at_every_size(cell: str, dtype: torch.dtype) -> None:
    sweep(cell, dtype, EVERY_SIZE)
