"""``carrousel text neurons``: units whose state follows something that can be read."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .output import whole_folder
from .text_tables import show_table


def neurons(
    model: Annotated[Path, typer.Argument(help="A saved language model.")],
    text: Annotated[Path, typer.Argument(help="A text file that the model was not trained on.")],
    feature: Annotated[
        list[str] | None,
        typer.Option(help="Only this one; may be repeated.", show_default="all"),
    ] = None,
    characters: Annotated[int, typer.Option(help="How much of the text to read.")] = 20_000,
    strings: Annotated[int, typer.Option(help="Exciting strings of each unit.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the untrained network beside it.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the coloured text (HTML, PNG) and JSON.", show_default=False),
    ] = None,
) -> None:
    """Units that follow the text: quotes, the position in the line, questions, ends of words.

    After Karpathy, Johnson & Li (2015). Units are chosen on the first part and scored on the rest,
    beside the best unit of the same network with random weights.
    """
    from ..text import LanguageModel
    from ..text.neurons import neurons

    if characters < 1 or strings < 1:
        raise ValueError("--characters and --strings must be at least 1")
    with text.open(encoding="utf-8") as file:
        content = file.read(characters)
    found = neurons(LanguageModel.load(model), content, feature or None, strings=strings, seed=seed)
    rows = found.rows()
    shown = ("feature", "layer", "unit", "kind", "score", "untrained")
    table = [
        {key: row[key] for key in shown}
        | {"layer": row["layer"] + 1, "ends of strings": _ends(row)}
        for row in rows
    ]
    show_table(table, "feature", "kind", "ends of strings")
    if out is not None:
        with whole_folder(out) as folder:
            (folder / "neurons.html").write_text(found.to_html(), encoding="utf-8")
            found.plot().savefig(folder / "neurons.png", dpi=150)
            content = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
            (folder / "neurons.json").write_text(content, encoding="utf-8")
        typer.echo(f"written: {out / 'neurons.html'}, .png, .json")


def _ends(row: dict) -> str:
    return "  ".join(text[-10:].replace("\n", "¶") for text in row["excites"][:3])
