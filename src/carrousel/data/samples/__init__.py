"""Small real series that come with the package; sources and licenses in samples.json."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from ...wording import one_of

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One data set: columns ``unique_id, ds, y``."""

    name: str
    title: str
    file: str
    horizon: int  # one that makes sense: a year of months, two days of hours
    source: str
    license: str

    @property
    def path(self) -> Path:
        return _HERE / self.file


@cache
def list_samples() -> dict[str, Sample]:
    """All samples by name.

    >>> list(list_samples())
    ['airline', 'bikes', 'jobs']
    """
    rows = json.loads((_HERE / "samples.json").read_text(encoding="utf-8"))
    return {row["name"]: Sample(**row) for row in rows}


def find_sample(name: str) -> Sample:
    """The sample called ``name``; ValueError lists what there is."""
    one_of("sample", name, list_samples())
    return list_samples()[name]


def load_sample(name: str) -> pl.DataFrame:
    """A sample as a polars frame with the columns ``unique_id, ds, y``.

    >>> load_sample("airline").shape
    (144, 3)
    """
    path = find_sample(name).path
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    frame = pl.read_csv(path, schema_overrides={"ds": pl.String})
    return frame.with_columns((pl.col("ds") + "-01").str.to_datetime("%Y-%m-%d"))
