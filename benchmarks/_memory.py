"""Peak extra memory of one training step, in its own process: ``python -m benchmarks._memory``.

Arguments: ours or torch, cell, B, T, I, H. Prints bytes, or nothing where they cannot be known.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks._grid import Row
from benchmarks._measure import peak_bytes
from benchmarks._peers import Missing, setting, trains


def peak_of_training(row: Row, whose: str) -> float:
    """Median bytes of three processes: an allocator's luck differs from one to the next."""
    command = [sys.executable, "-m", "benchmarks._memory", whose, row.cell, *map(str, row.size)]
    found = []
    for _ in range(3):
        root = Path(__file__).parents[1]
        out = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
        if not out.strip():
            raise Missing("peak memory can be measured on Linux only")
        found.append(float(out))
    return sorted(found)[1]


def main(whose: str, cell: str, *size: str) -> None:
    theirs, ours, x, grad = setting(Row("train", cell, tuple(map(int, size))))  # type: ignore[arg-type]
    step = trains(ours if whose == "ours" else theirs, x, grad)
    step()  # workspaces that are made once
    peak = peak_bytes(step)
    if peak is not None:
        print(peak)


if __name__ == "__main__":
    main(*sys.argv[1:])
