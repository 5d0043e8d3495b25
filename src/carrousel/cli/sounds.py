"""Options and steps that the commands of speech share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..audio import Recordings
    from ..sequence import Transcriber

FILES = "How recordings are labeled"

Source = Annotated[
    Path,
    typer.Argument(help="Folder (label/*.wav), or table of paths and labels (CSV, Parquet)."),
]
Rate = Annotated[
    int | None,
    typer.Option(help="Samples a second.", show_default="that of the files, the lowest"),
]
Speakers = Annotated[
    bool,
    typer.Option("--speakers", rich_help_panel=FILES,
                 help="Folders within labels are speakers: label/speaker/*.wav."),
]  # fmt: skip
PathCol = Annotated[str, typer.Option(rich_help_panel=FILES, help="Column of paths in a table.")]
LabelCol = Annotated[str, typer.Option(rich_help_panel=FILES, help="Column of what is said.")]
SpeakerCol = Annotated[str, typer.Option(rich_help_panel=FILES, help="Column of who speaks.")]


def loaded_transcriber(path: Path) -> "Transcriber":
    """A saved model of sound.

    Raises:
        ValueError: It reads something else.
    """
    from ..sequence import Transcriber

    model = Transcriber.load(path)
    if not hasattr(model.reader_, "features"):
        raise ValueError(f"the model in {path} reads {model.reader_.kind}, not recordings")
    return model


def hold_out(recordings: "Recordings", share: float, seed: int) -> tuple[Any, Any]:
    """(learned from, held out), by chance; all words that are held out are among the others, too.
    None is held out where there are fewer than twenty."""
    import torch

    if share == 0 or len(recordings) < 20:
        return recordings, None
    order = torch.randperm(len(recordings), generator=torch.Generator().manual_seed(seed)).tolist()
    count = max(1, round(share * len(order)))
    held, learned = order[:count], order[count:]
    labels = recordings.labels or []
    known = {unit for k in learned for unit in labels[k].split()}
    strange = [k for k in held if set(labels[k].split()) - known]
    held = [k for k in held if k not in set(strange)]
    return recordings.take(sorted([*learned, *strange])), recordings.take(held) if held else None
