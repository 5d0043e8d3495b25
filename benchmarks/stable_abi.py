"""What nanobind's stable ABI costs a call: one step of one sequence, by two builds alternately.

    pip wheel --no-deps -w ordinary . && pip wheel --no-deps -w stable -C wheel.py-api=cp312 .
    python benchmarks/stable_abi.py ordinary/carrousel/_core*.so stable/carrousel/_core*.so

The two are the modules in the unpacked wheels; CPython 3.12 or newer, and NumPy.
"""

import importlib.util
import sys
import time
from collections.abc import Callable
from types import ModuleType

import numpy as np

CELLS = {"RNN": (0, 1), "LSTM": (2, 4), "GRU": (3, 3)}  # the kernels' number, gates
ROUNDS, CALLS, INPUTS = 400, 200, 4


def main() -> None:
    builds = [
        load(path, name) for path, name in zip(sys.argv[1:3], ("first", "second"), strict=True)
    ]
    for cell in CELLS:
        for hidden in (1, 8, 32):
            timers = [timer(build, cell, hidden) for build in builds]
            times: list[list[float]] = [[], []]
            for turn in range(ROUNDS):
                for which in (0, 1) if turn % 2 else (1, 0):
                    times[which].append(timers[which]())
            first, second = np.median(times, axis=1)
            print(f"{cell} H {hidden}: {first:.0f} ns, {second:.0f} ns, ratio {second / first:.3f}")


def load(path: str, name: str) -> ModuleType:
    """The module at ``path``; both are called ``_core``, in packages that do not exist."""
    spec = importlib.util.spec_from_file_location(f"{name}._core", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timer(build: ModuleType, cell: str, hidden: int) -> Callable[[], float]:
    """What times a call, in nanoseconds."""
    mode, gates = CELLS[cell]
    shapes = [(gates * hidden, INPUTS), (gates * hidden, hidden), gates * hidden, gates * hidden,
              hidden, hidden, INPUTS, hidden, hidden, hidden]  # fmt: skip
    arrays = [np.full(shape, 0.1, np.float32) for shape in shapes]
    *parameters, h0, c0, x, y, h_n, c_n = (array.ctypes.data for array in arrays)
    size = (mode, 1, 1, 0, 1, INPUTS, hidden, False, 1e-5)
    layer = (*parameters, 0, h0, c0)  # without layer normalization
    given = (1, size, layer, (x, INPUTS, INPUTS), (y, hidden, hidden), (0, 0, h_n, c_n))

    def timed(arrays: list[np.ndarray] = arrays) -> float:  # which keeps the memory
        start = time.perf_counter_ns()
        for _ in range(CALLS):
            build.forward_f32(*given)
        return (time.perf_counter_ns() - start) / CALLS

    timed()
    return timed


if __name__ == "__main__":
    main()
