"""Running the command line inside the test's own process."""

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def run(command_line, monkeypatch, tmp_path):
    """``run("forecast", ...)`` in an empty folder: exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return command_line


def months(n: int, **columns) -> pl.DataFrame:
    """One series of ``n`` months, a wave on a slope."""
    time = pl.datetime_range(
        pl.datetime(2015, 1, 1),
        pl.datetime(2015, 1, 1).dt.offset_by(f"{n - 1}mo"),
        "1mo",
        eager=True,
    )
    k = np.arange(n)
    return pl.DataFrame({**columns, "ds": time, "y": np.round(100 + 10 * np.sin(k / 2) + k, 2)})


@pytest.fixture
def small(tmp_path):
    """A CSV file of two series of 40 months."""
    frame = pl.concat([months(40).select(pl.lit(name).alias("unique_id"), "ds", "y")
                       for name in ("élan [1]", "b")])  # fmt: skip
    path = tmp_path / "small.csv"
    frame.write_csv(path, datetime_format="%Y-%m-%d")
    return path
