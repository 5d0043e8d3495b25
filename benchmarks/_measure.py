"""Measuring: alternating medians, the machine's own speed, peak memory, what machine this is."""

import gc
import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

SETTLE = 0.005  # s: a library's threads go on spinning for a moment after its call
BLOCK = 0.010  # s: shorter calls are repeated within one measurement
ROUNDS = 9


def _seconds(call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def _settle(call: Callable[[], object], cost: float) -> None:
    """Wait until the threads of whoever ran before sleep; then wake the caller's own."""
    time.sleep(SETTLE)
    if cost < BLOCK:
        call()


def alternating(calls: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each call; the calls take turns, so that all see the same machine."""
    for call in calls.values():
        call()  # first call: compilation, allocation
    cost = {name: min(_seconds(call, 1), _seconds(call, 1)) for name, call in calls.items()}
    repeats = {name: max(1, min(200, round(BLOCK / seconds))) for name, seconds in cost.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.disable()
    for _ in range(rounds):
        for name, call in calls.items():
            _settle(call, cost[name])
            times[name].append(_seconds(call, repeats[name]))
    gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


class MatrixProduct:
    """The machine's own large matrix product: the speed that a kernel is measured against."""

    def __init__(self, dtype: torch.dtype, size: int = 1536) -> None:
        self.operations = 2 * size**3
        self._a, self._b = (torch.randn(size, size, dtype=dtype) for _ in range(2))

    def __call__(self) -> None:
        self._a @ self._b


def peak_bytes(call: Callable[[], object]) -> int | None:
    """Largest growth of this process's resident memory during one call; None outside Linux.

    Writing 5 to clear_refs sets the high-water mark back to the present size (proc(5)).
    """
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return None
    gc.collect()
    _return_free_memory()
    reset.write_text("5")
    before = _status(status, "VmRSS")
    kept = call()  # what the call returns is part of its peak
    peak = _status(status, "VmHWM")
    del kept
    return 1024 * (peak - before)


def _return_free_memory() -> None:
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(file: Path, field: str) -> int:
    line = next(line for line in file.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])  # kB


def machine() -> dict[str, str]:
    """Processor, instruction set, threads and versions: what a table means nothing without."""
    versions = {"python": platform.python_version()}
    for package in ("torch", "onnxruntime", "jax", "numpy"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": _processor(),
        "isa": _isa(),
        "threads": str(torch.get_num_threads()),
        "system": platform.platform(terse=True),
        **versions,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _isa() -> str:
    from carrousel.ops import cpu

    return f"{cpu.isa()} (of {', '.join(cpu.available_isas())})"
