"""``carrousel text memory``: what a model keeps of each word; and the study over many sentences."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import Bar, console, table
from .folders import whole_folder

if TYPE_CHECKING:
    from ..text.memory import Memory
    from ..text.memory.sentences import Readable
    from ..text.memory.study import Study


def memory(
    model: Annotated[Path, typer.Argument(help="A saved language model.")],
    sentence: Annotated[
        str | None, typer.Argument(help="A sentence or its beginning.", show_default=False)
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            help="Instead of a sentence: french or english, many sentences from templates. Are "
            "content words kept longer than determiners?",
            show_default=False,
        ),
    ] = None,
    replacements: Annotated[
        int | None,
        typer.Option(help="Words that stand in for each word.", show_default="16; 4 in a study"),
    ] = None,
    sentences: Annotated[
        int | None,
        typer.Option(
            help="Sentences that the model writes for the baseline; in a study, those of each "
            "template.",
            show_default="48; 12 in a study",
        ),
    ] = None,
    layer: Annotated[int, typer.Option(help="Layer of the table and the picture, from 1.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the words drawn.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the table (CSV), the picture and JSON.", show_default=False),
    ] = None,
) -> Any:
    """What the memory keeps of each word: survival, share, and the prediction without it."""
    if (sentence is None) == (study is None):
        raise ValueError("name either a SENTENCE or a --study (french or english)")
    from ..text import LanguageModel

    readable = LanguageModel.load(model)
    layers = readable.options.layers
    if not 1 <= layer <= layers:
        raise ValueError(f"--layer must be 1 to the model's {layers}, got {layer}")
    given = {"replacements": replacements, "seed": seed}
    if study is None:
        given["sentences"] = sentences
        return _one(readable, str(sentence), given, layer - 1, out)
    given["each"] = sentences
    return _many(readable, study, given, out)


def _one(
    model: "Readable", sentence: str, given: dict[str, Any], layer: int, out: Path | None
) -> dict[str, Any]:
    from ..storage.files import write_csv, write_json
    from ..text.memory import Options, memory

    with whole_folder(out) if out is not None else nullcontext() as folder:
        found = memory(model, sentence, Options(**_chosen(given)))
        rows = _rows(found, layer)
        if folder is not None:
            write_csv(folder / "memory.csv", rows)
            write_json(folder / "memory.json", found.to_dict())
            found.plot(layer=layer).savefig(folder / "memory.png", dpi=150)
    console().print(table(rows, ("word",)))
    expected = ", ".join(f"{token!r} {p:.3f}" for token, p in found.next)
    console().print(
        "In brackets: the mean of words at the same place in sentences that the model itself "
        f"writes.\nExpected next: {expected}"
    )
    if out is not None:
        console().print(f"written: {out / 'memory.csv'}, .json, .png")
    return found.to_dict()


def _rows(found: "Memory", layer: int) -> list[dict[str, Any]]:
    """A row a word, at the end of the sentence: each measure, and its usual value there."""
    measures = {"change": found.change}
    if found.survival is not None and found.share is not None:
        measures["survival"] = found.survival.of_layer(layer)
        measures["share"] = found.share.of_layer(layer)
    rows = []
    for number, word in enumerate(found.words):
        row: dict[str, Any] = {"word": word}
        for name, measure in measures.items():
            row[name] = float(measure.values[number, -1])
            row[f"({name})"] = float(measure.expected[number, -1])
        rows.append(row)
    return rows


def _many(
    model: "Readable", language: str, given: dict[str, Any], out: Path | None
) -> dict[str, Any]:
    from ..storage.files import write_csv, write_json
    from ..text.memory.study import StudyOptions, study

    with whole_folder(out) if out is not None else nullcontext() as folder:
        with Bar(f"{language} sentences") as bar:
            found = study(model, language, StudyOptions(**_chosen(given)), bar.show)
        effects = {"language": language, "effects": found.rows()}
        if folder is not None:
            write_csv(folder / "study.csv", found.rows())
            write_json(folder / "study.json", effects)
            found.plot().savefig(folder / "study.png", dpi=150)
    console().print(table(_effects(found), ("measure", "comparison", "verdict")))
    _explain(found)
    if out is not None:
        console().print(f"written: {out / 'study.csv'}, .json, .png")
    return effects


def _effects(found: "Study") -> list[dict[str, Any]]:
    keys = ("measure", "comparison", "first", "second", "difference", "low", "high", "verdict")
    return [{key: row[key] for key in keys} for row in found.rows()]


def _explain(found: "Study") -> None:
    console().print(
        f"{found.sentences} sentences. first, second: the two kinds at equal distance. difference: "
        "less what words at the same place have anyway; low, high: 95 % interval over templates "
        "and sentences."
    )
    for measure in found.observations:
        verdict = found.effects[measure, "content words, determiners"].verdict
        said = {
            "more": "content words are kept MORE than determiners",
            "less": "content words are kept LESS than determiners",
            "no difference": "content words and determiners: NO difference measured",
        }
        console().print(f"{measure}: {said[verdict]}")
    if found.in_pieces:
        some = ", ".join(found.in_pieces[:8])
        console().print(f"the model spells {len(found.in_pieces)} of the words in pieces: {some}")


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}
