"""``carrousel transcribe evaluate``: how much of what is said is written down wrongly."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import console, table
from ..wording import legible
from .sounds import LabelCol, PathCol, Source, SpeakerCol, Speakers, loaded_transcriber

if TYPE_CHECKING:
    from ..audio import Recordings
    from ..sequence.evaluation.transcripts import TranscriptEvaluation

SHOWN = 10  # mistakes
WRITTEN = ("texts.csv", "evaluation.json", "report.html")


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
        typer.Option(
            help="Folder for report.html, all texts (CSV) and the numbers (JSON).",
            show_default=False,
        ),
    ] = None,
    speakers: Speakers = False,
    path_col: PathCol = "path",
    label_col: LabelCol = "label",
    speaker_col: SpeakerCol = "speaker",
) -> dict[str, Any]:
    """Compare what a model hears in RECORDINGS with what is said in them: error rates of words,
    characters and whole texts, and the worst mistakes."""
    from ..audio import read_recordings
    from .folders import whole_folder

    loaded = loaded_transcriber(model)
    with whole_folder(out) if out is not None else nullcontext() as folder:
        given = read_recordings(
            recordings, loaded.reader_.features.rate, speakers=speakers, path_col=path_col,
            label_col=label_col, speaker_col=speaker_col,
        )  # fmt: skip
        given = _prepared(given, noise, strings, longest, seed)
        evaluation = loaded.evaluate(given, given.labels or [], given.names)
        if folder is not None:
            _write(folder, evaluation, legible(f"{recordings.name} by {model.name}"), loaded)
    _show(evaluation)
    found = evaluation.summary()
    if out is not None:
        found["written"] = [str(out / name) for name in WRITTEN]
        console().print(f"written: {', '.join(found['written'])}")
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


def _write(folder: Path, found: "TranscriptEvaluation", title: str, model: Any) -> None:
    from .. import __version__
    from ..sequence.evaluation.transcripts import render_transcripts
    from ..storage.files import write_bytes, write_csv, write_json
    from .sequences import set_options

    write_csv(folder / "texts.csv", found.rows)
    write_json(folder / "evaluation.json", found.summary())
    page = render_transcripts(found, title, settings=set_options(model), version=__version__)
    write_bytes(folder / "report.html", page.encode())


def _show(evaluation: "TranscriptEvaluation") -> None:
    screen, found = console(), evaluation.summary()
    screen.print(f"{found['recordings']:,} recordings, {found['words']:,} words.")
    names = ("word_error_rate", "character_error_rate", "string_error_rate")
    told = [{"wrong": n.split("_")[0] + "s", "share": f"{found[n]:.1%}"} for n in names]
    screen.print(table(told, ("wrong",)))
    worst = evaluation.mistakes()
    if worst:
        left = ("recording", "said", "heard")
        screen.print(table(worst[:SHOWN], left, wrapped=left))
    if len(worst) > SHOWN:
        screen.print(f"... and {len(worst) - SHOWN:,} more with mistakes")
