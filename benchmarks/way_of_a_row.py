"""The way of a row from a file to its forecast: through which functions it passes.

    python benchmarks/way_of_a_row.py

A *station* is a function of the package that receives the rows of the file (the file itself, its
text, a table, a panel, windows, a forecaster that holds them) and hands them on: as rows again, or
as the forecast (quantiles or a table of them). What only looks at them is no station, and neither
is what lies below such a function: training takes rows in and gives weights. A *return* is a call
from another file into one that was entered before. Counted while ``carrousel forecast FILE`` runs,
up to the forecast.
"""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import polars as pl
import torch

import carrousel
from carrousel.cli import main as command
from carrousel.forecast import QUANTILES

ROOT = Path(carrousel.__file__).parent
STEPS, FILE = 331, "way.csv"
CARRIERS = {"Table", "Columns", "Rows", "Panel", "Windows", "Wall", "Stream", "Evaluation", "Band",
            "Forecaster"}  # fmt: skip


@dataclass
class Call:
    """A call of one of the package's functions."""

    code: CodeType
    caller: int  # its number among the calls; -1: none
    receives: bool
    hands_on: bool = False

    @property
    def file(self) -> str:
        return str(Path(self.code.co_filename).relative_to(ROOT))


def carries(value: Any, deep: bool = True) -> bool:
    """Whether a value holds the rows, or forecasts of them."""
    if type(value).__name__ in CARRIERS:
        return True
    if isinstance(value, (str, Path)):
        return str(value) == FILE and deep
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return value.ndim >= 3 and value.shape[-1] == len(QUANTILES)
    if isinstance(value, pl.DataFrame):
        return "carrousel" in value.columns or (value.width > 1 and value.height >= STEPS)
    if isinstance(value, bytes):
        return len(value) > 5 * STEPS
    return deep and isinstance(value, (tuple, list)) and any(carries(v, False) for v in value[:5])


def watched(arguments: list[str]) -> list[Call]:
    """All calls of the package's functions while a command runs."""
    calls: list[Call] = []
    open_calls: list[tuple[FrameType, int]] = []

    def look(frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(str(ROOT)):
            return
        if code.co_name.startswith("<"):
            return
        if event == "call":
            count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)
            given = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
            receives = any(carries(one) for one in given)
            calls.append(Call(code, open_calls[-1][1] if open_calls else -1, receives))
            open_calls.append((frame, len(calls) - 1))
        while event == "return" and open_calls:
            opened, number = open_calls.pop()
            if opened is frame:
                calls[number].hands_on = carries(value) and not isinstance(value, (str, Path))
                break

    sys.setprofile(look)
    try:
        command(arguments)
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.setprofile(None)
    return calls


def way(calls: list[Call]) -> tuple[list[str], list[str]]:
    """(stations in the order in which they are reached, returns)."""
    on_the_way: list[bool] = []
    stations: list[str] = []
    returns: list[str] = []
    edges, entered = set(), set()
    for call in calls:
        caller = calls[call.caller] if call.caller >= 0 else None
        begins = call.file == "cli/forecast.py" and call.code.co_name == "forecast"
        passes = call.receives and call.hands_on
        on_the_way.append(begins or (passes and caller is not None and on_the_way[call.caller]))
        if not on_the_way[-1]:
            continue
        name = f"{call.file}: {call.code.co_name}"
        if name not in stations:
            stations.append(name)
        edge = (caller and caller.code, call.code)
        if edge not in edges and call.file in entered and caller and caller.file != call.file:
            returns.append(f"{caller.file}: {caller.code.co_name} -> {name}")
        edges.add(edge)
        entered |= {call.file}
    return stations, returns


def measure(folder: Path) -> tuple[list[str], list[str]]:
    """The way of the rows of one daily series."""
    days = np.datetime64("2024-01-01") + np.arange(STEPS)
    noise = np.random.default_rng(0).normal(size=STEPS)
    y = 100 + 10 * np.sin(np.arange(STEPS) * 2 * np.pi / 7) + noise
    pl.DataFrame({"ds": days, "y": y.round(2)}).write_csv(folder / FILE)
    before = Path.cwd()
    os.chdir(folder)
    try:
        quick = ["--effort", "fast", "--steps", "2", "--ensemble", "1"]
        return way(watched(["forecast", FILE, "--horizon", "7", *quick]))
    finally:
        os.chdir(before)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        stations, returns = measure(Path(made))
    print(
        *stations, "", *returns, "", f"{len(stations)} stations, {len(returns)} returns", sep="\n"
    )
