"""``carrousel lab cell``: one step of one cell, with real numbers."""

import math
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..limits import whole

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from ..lab.cell import Step, Weights


def cell(
    kind: Annotated[str, typer.Option(help="lstm, gru or rnn.")] = "lstm",
    inputs: Annotated[int, typer.Option(help="Size of the input.")] = 2,
    hidden: Annotated[int, typer.Option(help="Hidden units.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the random weights and values.")] = 0,
    weights: Annotated[
        Path | None,
        typer.Option(help="A safetensors file: the cell of a trained model.", show_default=False),
    ] = None,
    layer: Annotated[
        str, typer.Option(help="Path of the layer in that model, if it has several.")
    ] = "",
    x: Annotated[str, typer.Option("-x", help="Input, comma-separated; random if absent.")] = "",
    h: Annotated[str, typer.Option("-h", help="Hidden state before; random if absent.")] = "",
    c: Annotated[str, typer.Option("-c", help="Cell state before (lstm); random if absent.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for cell.csv, .png and .json.", show_default=False),
    ] = None,
) -> dict[str, Any]:
    """One step of one cell, operation by operation, with real numbers."""
    import torch

    from ..lab.cell import Weights, step
    from ..ops.cells import CELLS
    from .folders import writable_folder

    for name, number in (("--inputs", inputs), ("--hidden", hidden)):
        whole(name, number)
    whole("--seed", seed, 0)
    if layer and weights is None:
        raise ValueError(f"--layer is of a model: give --weights, too, got {layer!r} alone")
    own = _loaded(weights, layer) if weights else Weights.random(kind, inputs, hidden, seed)
    if c and (own.kind not in CELLS or not CELLS[own.kind].has_cell):
        raise ValueError(f"-c is a cell state, which no {own.kind} has; leave it out")
    rng = torch.Generator().manual_seed(seed)
    given = [
        _vector(name, text, size, rng)
        for name, text, size in (
            ("-x", x, own.inputs),
            ("-h", h, own.hidden),
            ("-c", c, own.hidden),
        )
    ]
    with writable_folder(out) if out is not None else nullcontext():
        done = step(own, *given)
        _show(done)
        written: list[str] = []
        if out is not None:
            from ..console import console
            from ..lab.cell.picture import save_step

            written = [str(path) for path in save_step(done, out)]
            console().print(f"written: {', '.join(written)}")
    return {"operations": _found(done), "written": written}


def _loaded(path: Path, layer: str) -> "Weights":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from ..lab.cell import Weights

    try:
        return Weights.from_state(load_file(path), layer)
    except SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file ({error})") from None


def _vector(name: str, text: str, size: int, rng: "Generator") -> "Tensor":
    import torch

    drawn = torch.rand(size, generator=rng) * 2 - 1  # also if given: the others stay the same
    if not text:
        return drawn
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{name} must be numbers with commas between, got {text!r}") from None
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"{name} must be finite numbers, got {text!r}")
    if len(values) != size:
        raise ValueError(f"{name} must be {size} numbers for this cell, got {len(values)}")
    return torch.tensor(values)


def _found(done: "Step") -> list[dict[str, Any]]:
    return [
        {"operation": one.name, "formula": one.formula, "value": one.value.tolist()} for one in done
    ]


def _show(done: "Step") -> None:
    from rich.text import Text

    from ..colors import COLORS
    from ..console import console, table

    rows = [
        {
            "operation": Text(operation.name, style=COLORS.get(operation.role, "")),
            "formula": operation.formula,
            "value": " ".join(f"{value:7.4f}" for value in operation.value.tolist()),
        }
        for operation in done
    ]
    console().print(table(rows, rows[0], wrapped=("value",)))
