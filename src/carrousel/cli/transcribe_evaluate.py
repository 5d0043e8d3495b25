"""``carrousel transcribe evaluate``: how much of what is said is written down wrongly."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import console, table
from .sounds import LabelCol, PathCol, Source, SpeakerCol, Speakers, loaded_transcriber

if TYPE_CHECKING:
    from ..audio import Recordings

SHOWN = 10  # mistakes


def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of the model.")],
    recordings: Source,
    noise: Annotated[
        float | None,
        typer.Option(help="Add white noise, fainter by so many decibels.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the noise, and of strings.")] = 0,
    strings: Annotated[
        int, typer.Option(help="Join the recordings, of one word each, to so many strings.")
    ] = 0,
    longest: Annotated[int, typer.Option(help="Words in a string at most.")] = 7,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for all texts (CSV) and the numbers (JSON).", show_default=False),
    ] = None,
    speakers: Speakers = False,
    path_col: PathCol = "path",
    label_col: LabelCol = "label",
    speaker_col: SpeakerCol = "speaker",
) -> dict[str, Any]:
    """Compare what a model hears in RECORDINGS with what is said in them: error rates of words,
    characters and whole texts, and the worst mistakes."""
    from ..audio import read_recordings
    from ..storage.files import write_csv, write_json
    from .folders import whole_folder

    loaded = loaded_transcriber(model)
    with whole_folder(out) if out is not None else nullcontext() as folder:
        given = read_recordings(
            recordings, loaded.reader_.features.rate, speakers=speakers, path_col=path_col,
            label_col=label_col, speaker_col=speaker_col,
        )  # fmt: skip
        given = _prepared(given, noise, strings, longest, seed)
        rows = _compared(loaded, given)
        found = _rates(rows)
        if folder is not None:
            write_csv(folder / "texts.csv", rows)
            write_json(folder / "evaluation.json", found)
    _show(found, rows)
    if out is not None:
        console().print(f"written: {out / 'texts.csv'}, {out / 'evaluation.json'}")
        found["written"] = [str(out / name) for name in ("texts.csv", "evaluation.json")]
    return found


def _prepared(
    given: "Recordings", noise: float | None, strings: int, longest: int, seed: int
) -> "Recordings":
    import torch

    from ..audio import join_words, vary
    from ..limits import real, whole

    whole("--strings", strings, 0)
    generator = torch.Generator().manual_seed(seed)
    if strings:
        given = join_words(given, strings, generator, longest=longest)
    if noise is None:
        return given
    real("--noise", noise, -60, 120)
    return vary(given, 1, generator, speed=1, gain=0, noise=noise, noisy=1, pause=0, keep=False)


def _compared(loaded: Any, given: "Recordings") -> list[dict[str, Any]]:
    """A row for each recording: what is said, what was heard, and how many words are wrong."""
    from ..sequence.ctc import edits

    rows = []
    labels = given.labels or []
    for name, said, found in zip(given.names, labels, loaded.alternatives(given, 1), strict=True):
        heard, chance = found[0]
        wrong = edits(said.split(), heard.split()).total
        rows.append({"recording": name, "said": " ".join(said.split()), "heard": heard,
                     "wrong words": wrong, "chance": chance})  # fmt: skip
    return rows


def _rates(rows: list[dict[str, Any]]) -> dict[str, Any]:
    from ..sequence.ctc import character_error_rate, word_error_rate

    said, heard = [row["said"] for row in rows], [row["heard"] for row in rows]
    return {
        "recordings": len(rows),
        "words": sum(len(text.split()) for text in said),
        "word_error_rate": word_error_rate(said, heard),
        "character_error_rate": character_error_rate(said, heard),
        "string_error_rate": sum(a != b for a, b in zip(said, heard, strict=True)) / len(rows),
    }


def _show(found: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    screen = console()
    screen.print(f"{found['recordings']:,} recordings, {found['words']:,} words.")
    names = ("word_error_rate", "character_error_rate", "string_error_rate")
    told = [{"wrong": n.split("_")[0] + "s", "share": f"{found[n]:.1%}"} for n in names]
    screen.print(table(told, ("wrong",)))
    worst = sorted((row for row in rows if row["said"] != row["heard"]),
                   key=lambda row: (-row["wrong words"], -row["chance"]))  # fmt: skip
    if worst:
        left = ("recording", "said", "heard")
        screen.print(table(worst[:SHOWN], left, wrapped=left))
    if len(worst) > SHOWN:
        screen.print(f"... and {len(worst) - SHOWN:,} more with mistakes")
