"""Options that several commands share, and what they have in common with the library's words."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path | None, typer.Argument(help="CSV or Parquet file.", show_default=False)]
SampleName = Annotated[
    str | None, typer.Option("--sample", help="A sample instead of a file (see: samples).")
]
Horizon = Annotated[
    int | None, typer.Option("--horizon", "-h", help="Steps to forecast.", show_default=False)
]
Freq = Annotated[
    str | None,
    typer.Option(help="Step between observations: 1h, 30m, 1d, B, 1w, 1mo, ME, 1q, 1y or 1 "
                 "(whole numbers). Inferred if not given.", show_default=False),
]  # fmt: skip
Season = Annotated[
    int | None,
    typer.Option(help="Observations in a season. From the frequency if not given.",
                 show_default=False),
]  # fmt: skip
Level = Annotated[list[int], typer.Option(help="Interval in percent; may be repeated.")]
Cell = Annotated[str, typer.Option(help="lstm, gru, rnn, or ann (no recurrence).")]
Effort = Annotated[str, typer.Option(help="fast, default or best: time for accuracy.")]
Steps = Annotated[
    int | None, typer.Option(help="Training steps at most. From the data if not given.")
]
Seed = Annotated[int, typer.Option(help="Of all random numbers.")]
IdCol = Annotated[str, typer.Option(help="Column that names the series; may be absent.")]
TimeCol = Annotated[str, typer.Option(help="Column of the times.")]
TargetCol = Annotated[str, typer.Option(help="Column to forecast.")]


def chosen_source(file: Path | None, sample: str | None) -> Path:
    """The path to read: the file, or that of the sample."""
    from ..data import find_sample

    if (file is None) == (sample is None):
        raise ValueError("name either a FILE or a --sample (see: carrousel samples)")
    return find_sample(sample).path if sample is not None else file  # type: ignore[return-value]


def chosen_horizon(horizon: int | None, sample: str | None) -> int:
    """The horizon: as given, else the one that suits the sample."""
    from ..data import find_sample

    if horizon is None:
        if sample is None:
            raise ValueError("--horizon is missing: how many steps shall be forecast?")
        return find_sample(sample).horizon
    if horizon < 1:
        raise ValueError(f"--horizon must be at least 1, got {horizon}")
    return horizon


def title_of(source: Path, sample: str | None) -> str:
    """What stands above the plot."""
    from ..data import find_sample

    return source.name if sample is None else find_sample(sample).title
