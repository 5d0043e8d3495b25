"""``carrousel transcribe predict``: what is said in files, or into the microphone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..console import console, table
from .scripting import write
from .sounds import PathCol, loaded_transcriber


def predict(
    model: Annotated[Path, typer.Argument(help="Folder of the model.")],
    recordings: Annotated[
        Path | None,
        typer.Argument(help="A file, a folder of files, or a table of paths.", show_default=False),
    ] = None,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Listen instead, until Ctrl-C.")
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(help="How long to listen.", show_default="until Ctrl-C"),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many of the likeliest texts.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="CSV or JSON file of what is said.", show_default=False)
    ] = None,
    path_col: PathCol = "path",
) -> Any:
    """Write down what is said in RECORDINGS, or live with --microphone."""
    from ..limits import whole

    whole("-k", k)
    if (recordings is None) != microphone:
        raise ValueError("name either RECORDINGS or --microphone")
    if seconds is not None and not microphone:
        raise ValueError("--seconds goes with --microphone")
    loaded = loaded_transcriber(model)
    if recordings is None:
        return {"text": _live(loaded, seconds)}
    return _files(loaded, recordings, k, out, path_col)


def _files(loaded: Any, recordings: Path, k: int, out: Path | None, path_col: str) -> list[Any]:
    from ..audio import read_recordings
    from ..storage.files import write_csv, write_json
    from .folders import writable_file

    if out is not None:
        if out.suffix not in (".csv", ".json"):
            raise ValueError(f"--out must end in .csv or .json, got {out.name!r}")
        writable_file(out)
    rate = loaded.reader_.features.rate
    given = read_recordings(recordings, rate, labeled=False, path_col=path_col)
    rows = [
        {"recording": name, "text": text, "chance": chance}
        for name, found in zip(given.names, loaded.alternatives(given, k), strict=True)
        for text, chance in found
    ]
    console().print(table(rows, ("recording", "text"), wrapped=("recording", "text")))
    if out is not None:
        (write_csv if out.suffix == ".csv" else write_json)(out, rows)
        console().print(f"written: {out}")
    return rows


def _live(loaded: Any, seconds: float | None) -> str:
    """Write what is said as it is said; gives all of it."""
    from ..audio import listen

    stream = loaded.stream()
    rate = loaded.reader_.features.rate
    between = " " if loaded.task_.units == "words" else ""
    parts = listen(rate)
    console(stderr=True).print(f"listening at {rate:,} Hz; Ctrl-C ends")
    heard = 0
    try:
        for part in parts:
            said = stream.push(part)
            if said:
                write(said + between)
            heard += len(part)
            if seconds is not None and heard >= seconds * rate:
                break
    except KeyboardInterrupt:
        pass
    finally:
        parts.close()  # type: ignore[attr-defined]
    write(stream.finish() + "\n")
    return stream.text
