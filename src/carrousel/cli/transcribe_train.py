"""``carrousel transcribe train``: from recordings to a model that writes down what is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .classify import Resume
from .sounds import LabelCol, PathCol, Rate, Source, SpeakerCol, Speakers, hold_out

if TYPE_CHECKING:
    from ..audio import Recordings
    from ..sequence import Transcriber


def train(
    recordings: Source,
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    units: Annotated[str, typer.Option(help="What is learned: words or characters.")] = "words",
    one_way: Annotated[
        bool, typer.Option("--one-way", help="Read forwards only, so that it can listen live.")
    ] = False,
    strings: Annotated[
        int, typer.Option(help="Join the recordings, of one word each, to so many strings.")
    ] = 0,
    longest: Annotated[int, typer.Option(help="Words in a string at most.")] = 7,
    copies: Annotated[
        int, typer.Option(help="Variations of each in speed, loudness and noise.")
    ] = 2,
    rate: Rate = None,
    hidden_size: Annotated[int, typer.Option(help="Units of each recurrent layer.")] = 96,
    num_layers: Annotated[int, typer.Option(help="Recurrent layers.")] = 1,
    epochs: Annotated[
        int | None,
        typer.Option(help="How often all are learned from.", show_default="from their number"),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 5e-3,
    validation_fraction: Annotated[
        float, typer.Option(help="Share of the recordings that is judged on.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 0,
    resume: Resume = False,
    speakers: Speakers = False,
    path_col: PathCol = "path",
    label_col: LabelCol = "label",
    speaker_col: SpeakerCol = "speaker",
) -> dict[str, Any]:
    """Learn from RECORDINGS with what is said in them.

    A folder has one folder for each label; a table has columns of paths and labels. With --strings
    single words are enough to learn to hear several in a row. A run that was stopped, by Ctrl-C or
    otherwise, goes on with --resume and arrives at the model of a run that never stopped. Beside
    the model stands report.html: what was chosen, how it learned, what it mishears.
    """
    from ..audio import read_recordings
    from ..console import console
    from ..limits import real
    from ..sequence import Transcriber
    from ..storage.tempfiles import with_lock
    from ..wording import legible, one_of
    from .folders import writable_folder
    from .sequences import PAGE, learn, write_training

    one_of("--units", units, ("words", "characters"))
    real("--validation-fraction", validation_fraction, 0, 1, below=True)
    model = Transcriber(
        units=units, bidirectional=not one_way, hidden_size=hidden_size, num_layers=num_layers,
        epochs=epochs, learning_rate=learning_rate, dropout=0.2, random_state=seed,
        validation_fraction=0.0,
    )  # fmt: skip
    with writable_folder(out), with_lock(out, wait=False):
        given = read_recordings(
            recordings, rate, speakers=speakers, path_col=path_col, label_col=label_col,
            speaker_col=speaker_col,
        )  # fmt: skip
        learned, held = hold_out(given, validation_fraction, seed)
        learned, held = _prepared(learned, held, strings, longest, copies, seed)
        validation = None if held is None else (held, held.labels)
        learn(model, learned, learned.labels, out, validation=validation, resume=resume)
        found = None if held is None else model.evaluate(held, held.labels or [], held.names)
        title = legible(f"{out.name}, learned from {recordings.name}")
        write_training(out, model, found, title, units)
    assert model.plan_ is not None  # it was not read from a file
    chosen = model.plan_.reasons
    _tell(console(), model, given, chosen, out)
    told = {"recordings": len(given), "rate": given.rate, "labels": len(model.labels_)}
    return {**told, "chosen": chosen, **model.report_, "written": [str(out), str(out / PAGE)]}


def _prepared(
    learned: "Recordings", held: "Recordings | None", strings: int, longest: int, copies: int,
    seed: int,
) -> tuple["Recordings", "Recordings | None"]:  # fmt: skip
    """Joined and varied: those to learn from; joined only: those to judge on."""
    import torch

    from ..audio import join_words, vary
    from ..limits import whole

    whole("--strings", strings, 0)
    generator = torch.Generator().manual_seed(seed)
    if strings:
        learned = join_words(learned, strings, generator, longest=longest)
        if held is not None:
            held = join_words(held, max(strings // 10, 20), generator, longest=longest)
    return vary(learned, copies, generator), held


def _tell(
    screen: Any, model: "Transcriber", given: "Recordings", chosen: Sequence[str], out: Path
) -> None:
    what = "words" if model.units == "words" else "characters"
    amount = f"{len(given):,} recordings at {given.rate:,} Hz"
    screen.print(f"Learned {len(model.labels_):,} {what} from {amount}.")
    for reason in chosen:
        screen.print(reason)
    report = model.report_
    if report:
        texts, labels = f"{report['string_error_rate']:.1%}", f"{report['label_error_rate']:.1%}"
        held = f"{report['held_out']:,} that were held out"
        screen.print(f"Wrong {what} in {held}: {labels}; texts that are not all right: {texts}.")
    told = f"Written to {out}, with report.html: carrousel transcribe predict {out} FILE.wav"
    screen.print(told, soft_wrap=True)
