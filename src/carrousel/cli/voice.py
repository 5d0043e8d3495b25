"""``carrousel voice``: from recordings to a model that speaks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .sounds import LabelCol, PathCol, Rate, Source, SpeakerCol, Speakers


def voice(
    recordings: Source,
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    rate: Rate = None,
    hidden_size: Annotated[int, typer.Option(help="Units in each direction.")] = 96,
    steps: Annotated[int, typer.Option(help="Updates.")] = 1000,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 4e-3,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 0,
    speakers: Speakers = False,
    path_col: PathCol = "path",
    label_col: LabelCol = "label",
    speaker_col: SpeakerCol = "speaker",
) -> dict[str, Any]:
    """Learn to say the words in RECORDINGS, of one word each: see speak."""
    from ..audio import read_recordings
    from ..console import console
    from ..sequence.synthesis import Voice
    from .folders import writable_folder
    from .progress import training_bar

    model = Voice(hidden_size=hidden_size, steps=steps, learning_rate=learning_rate, seed=seed)
    with writable_folder(out):
        given = read_recordings(
            recordings, rate, speakers=speakers, path_col=path_col, label_col=label_col,
            speaker_col=speaker_col,
        )  # fmt: skip
        with training_bar("learning") as report:
            model.fit(given, progress=lambda now: report("voice", now))
        model.save(out)
    screen = console()
    who = f" by {len(model.speakers_):,} speakers" if given.speakers else ""
    screen.print(f"Learned {len(model.words_):,} words{who} from {len(given):,} recordings.")
    screen.print(f"Written to {out}: carrousel speak {model.words_[0]} --model {out}")
    return {**model.report_, "words": model.words_, "speakers": model.speakers_,
            "rate": model.rate, "written": [str(out)]}  # fmt: skip
