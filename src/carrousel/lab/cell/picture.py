"""One step of a cell as a picture: a row an operation, a square a number."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ...colors import COLORS
from ...storage.files import as_csv, as_json, write_bytes
from ..outcome import as_png

if TYPE_CHECKING:
    from .operations import Step

SHOWN = 12  # squares in a row at most


def save_step(step: "Step", folder: Path) -> list[Path]:
    """Write ``cell.csv``, ``cell.png`` and ``cell.json``."""
    values = {operation.name: operation.value.tolist() for operation in step}
    formulas = {operation.name: operation.formula for operation in step}
    rows = [
        {"operation": name, "formula": formulas[name], "unit": unit, "value": value}
        for name, numbers in values.items()
        for unit, value in enumerate(numbers)
    ]
    content = {"kind": step.kind, "formulas": formulas, "values": values}
    files = {
        "cell.csv": as_csv(rows),
        "cell.png": as_png(picture(step)),
        "cell.json": as_json(content),
    }
    for name, data in files.items():
        write_bytes(folder / name, data)
    return [folder / name for name in files]


def picture(step: "Step") -> Figure:
    """Numbers from -1 (blue) through 0 (white) to 1 (red); the name in the color of the gate."""
    operations = list(step)
    width = min(SHOWN, max(operation.value.shape[-1] for operation in operations))
    figure = Figure(
        figsize=(5.2 + 0.62 * width, 0.42 * len(operations) + 0.5), layout="constrained"
    )
    ax = figure.subplots()
    grid = np.full((len(operations), width), np.nan)
    for row, operation in enumerate(operations):
        numbers = operation.value.reshape(-1)[:width].tolist()
        grid[row, : len(numbers)] = numbers
        color = COLORS.get(operation.role, "black")
        ax.text(-0.7, row, operation.formula, ha="right", va="center", fontsize=8)
        ax.text(
            width - 0.3, row, operation.name, color=color, va="center", fontsize=9, weight="bold"
        )
        for unit, value in enumerate(numbers):
            dark = abs(value) > 0.6
            ax.text(unit, row, f"{value:.2f}", ha="center", va="center", fontsize=7,
                    color="white" if dark else "black")  # fmt: skip
    ax.imshow(grid, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for line in np.arange(width + 1) - 0.5:
        ax.axvline(line, color="white", linewidth=2)
    for line in np.arange(len(operations) + 1) - 0.5:
        ax.axhline(line, color="white", linewidth=2)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return figure
