"""``carrousel speak``: words as sound."""

from pathlib import Path
from typing import Annotated, Any

import typer


def speak(
    words: Annotated[list[str], typer.Argument(help="What to say: words that the model learned.")],
    model: Annotated[Path, typer.Option(help="Folder of the model (see: voice).")],
    out: Annotated[Path, typer.Option(help="WAV file.")] = Path("said.wav"),
    speaker: Annotated[
        str | None, typer.Option(help="In whose voice.", show_default="the first")
    ] = None,
    speed: Annotated[float, typer.Option(help="How much faster than usual.")] = 1.0,
    gap: Annotated[float, typer.Option(help="Seconds of silence between words.")] = 0.1,
) -> dict[str, Any]:
    """Say WORDS with a model that was learned from recordings, and write a WAV file."""
    from ..audio import write_sound
    from ..console import console
    from ..sequence.synthesis import Voice
    from .folders import writable_file

    if out.suffix.lower() != ".wav":
        raise ValueError(f"--out must end in .wav, got {out.name!r}")
    writable_file(out)
    loaded = Voice.load(model)
    said = " ".join(words).split()
    sound = loaded.speak(said, speaker, speed=speed, gap=gap)
    write_sound(out, sound, loaded.rate)
    seconds = len(sound) / loaded.rate
    console().print(f"written: {out} ({seconds:.1f} s at {loaded.rate:,} Hz)")
    return {"words": said, "seconds": seconds, "rate": loaded.rate, "written": [str(out)]}
