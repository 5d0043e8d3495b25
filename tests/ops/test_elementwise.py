"""exp, tanh and sigmoid of the kernels: within 3 ulp everywhere, and right at the edges."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.ops.accuracy import FUNCTIONS, WIDER, errors

from carrousel.ops import cpu

every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_dtype = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)
LARGEST_ERROR = 3.0  # units in the last place; measured: exp 1.1, sigmoid 2.4, tanh 2.6

pytestmark = pytest.mark.skipif(
    np.finfo(WIDER[np.float64]).nmant < 60, reason="no long double to judge float64 by"
)


# Others share the functions of avx512.
@pytest.mark.parametrize("isa", [isa for isa in cpu.available_isas() if "avx512_" not in isa])
def test_largest_error(isa: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.ops.accuracy"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"CARROUSEL_ISA": isa},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    found = json.loads(result.stdout)
    assert found.pop("isa") == isa
    assert {name: off for name, off in found.items() if not off <= LARGEST_ERROR} == {}


@every_function
@every_dtype
def test_infinities_and_nan(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([float("inf"), -float("inf"), float("nan")], dtype=dtype)
    expected = {"exp": [float("inf"), 0.0], "tanh": [1.0, -1.0], "sigmoid": [1.0, 0.0]}[name]
    got = cpu.elementwise(name, x)
    assert got[:2].tolist() == expected
    assert got[2].isnan()


@every_function
@every_dtype
def test_zeros_and_denormals(name: str, dtype: torch.dtype) -> None:
    tiny = torch.finfo(dtype).smallest_normal
    x = torch.tensor([0.0, -0.0, tiny / 2, -tiny / 2, tiny / 2**20, tiny], dtype=dtype)
    expected = {"exp": torch.ones_like(x), "tanh": x, "sigmoid": torch.full_like(x, 0.5)}[name]
    assert torch.equal(cpu.elementwise(name, x), expected)


@every_function
@every_dtype
def test_huge_arguments_saturate(name: str, dtype: torch.dtype) -> None:
    big = torch.finfo(dtype).max
    x = torch.tensor([1e3, big, -1e3, -big], dtype=dtype)
    high, low = {"exp": (float("inf"), 0.0), "tanh": (1.0, -1.0), "sigmoid": (1.0, 0.0)}[name]
    assert cpu.elementwise(name, x).tolist() == [high, high, low, low]


@every_dtype
def test_bounded_functions_stay_in_bounds(dtype: torch.dtype) -> None:
    x = torch.linspace(-30, 30, 100_001, dtype=dtype)
    assert cpu.elementwise("tanh", x).abs().max() <= 1
    gate = cpu.elementwise("sigmoid", x)
    assert gate.min() >= 0
    assert gate.max() <= 1


@every_dtype
def test_tanh_is_odd(dtype: torch.dtype) -> None:
    x = torch.linspace(0, 20, 10_001, dtype=dtype)
    assert torch.equal(cpu.elementwise("tanh", -x), -cpu.elementwise("tanh", x))


@every_function
@every_dtype
@pytest.mark.parametrize("length", [1, 3, 7, 8, 9, 15, 16, 17, 33])
def test_every_length_and_position(name: str, dtype: torch.dtype, length: int) -> None:
    """Numbers in a tail shorter than a vector are computed like the others, neighbors or not."""
    x = torch.linspace(-3, 3, length, dtype=dtype)
    alone = torch.cat([cpu.elementwise(name, value.view(1)) for value in x])
    assert torch.equal(cpu.elementwise(name, x), alone)
    assert errors(name, x.numpy()).max() <= LARGEST_ERROR


def test_unknown_function() -> None:
    with pytest.raises(ValueError, match="cosh"):
        cpu.elementwise("cosh", torch.zeros(3))
