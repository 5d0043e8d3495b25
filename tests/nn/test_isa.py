"""Every instruction set of this CPU, forced in its own process: it is chosen once, on loading."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

cpu = pytest.importorskip("carrousel.ops.cpu")
ROOT = Path(__file__).parents[2]

CHECK = """
import torch
from carrousel.ops import cpu
from tests.nn.sweep import A_FEW_SIZES, sweep
from tests.nn.twins import CELLS
print("isa", cpu.isa())
for cell in CELLS:
    for dtype in (torch.float32, torch.float64):
        sweep(cell, dtype, A_FEW_SIZES)
"""


def python(code: str, isa: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"CARROUSEL_ISA": isa},
        capture_output=True,
        text=True,
        timeout=600,
    )


# Others share the kernels of avx512, but for those of fewer bits.
OWN = [isa for isa in cpu.available_isas() if not isa.startswith("avx512_")]


@pytest.mark.parametrize("isa", OWN)
def test_forced_instruction_set_equals_torch(isa: str) -> None:
    result = python(CHECK, isa)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["isa", isa]


def test_baseline_is_always_there() -> None:
    assert "baseline" in cpu.available_isas()
    assert cpu.isa() in cpu.available_isas()


def test_unknown_instruction_set_is_refused_by_name() -> None:
    result = python("from carrousel.ops import cpu; cpu.isa()", "sse9")
    assert result.returncode != 0
    assert "sse9" in result.stderr
    assert "baseline" in result.stderr  # what is accepted
