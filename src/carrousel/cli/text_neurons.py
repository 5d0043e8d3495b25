"""``carrousel text neurons``: units whose state follows something that can be read."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from ..console import console, table
from ..limits import whole
from .folders import whole_folder


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
        typer.Option(help="Folder for the colored text (HTML, PNG) and JSON.", show_default=False),
    ] = None,
) -> list[dict[str, Any]]:
    """Units that follow the text: quotes, the position in the line, questions, ends of words.

    After Karpathy, Johnson & Li (2015). Units are chosen on the first part and scored on the rest,
    beside the best unit of the same network with random weights.
    """
    from ..storage.files import write_json
    from ..text import LanguageModel
    from ..text.neurons import neurons

    for name, number in (("--characters", characters), ("--strings", strings)):
        whole(name, number)
    whole("--seed", seed, 0)
    content, readable = _beginning(text, characters), LanguageModel.load(model)
    with whole_folder(out) if out is not None else nullcontext() as folder:
        found = neurons(readable, content, feature or None, strings=strings, seed=seed)
        rows = found.rows()
        if folder is not None:
            (folder / "neurons.html").write_text(found.to_html(), encoding="utf-8")
            found.plot().savefig(folder / "neurons.png", dpi=150)
            write_json(folder / "neurons.json", rows)
    shown = ("feature", "layer", "unit", "kind", "score", "untrained")
    brief = [
        {key: row[key] for key in shown}
        | {"layer": row["layer"] + 1, "ends of strings": _ends(row)}
        for row in rows
    ]
    console().print(table(brief, ("feature", "kind", "ends of strings")))
    if out is not None:
        console().print(f"written: {out / 'neurons.html'}, .png, .json")
    return rows


def _beginning(text: Path, characters: int) -> str:
    try:
        with text.open(encoding="utf-8-sig") as file:
            return file.read(characters)
    except UnicodeDecodeError as error:
        raise ValueError(f"{text} is not UTF-8 text: {error.reason}") from error


def _ends(row: dict) -> str:
    return "  ".join(text[-10:].replace("\n", "¶") for text in row["excites"][:3])
