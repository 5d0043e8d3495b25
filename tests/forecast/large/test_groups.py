"""Scores by a column of the data: what a table of all scores says."""

import polars as pl
import pytest
from tests.data.store.test_store import table

from carrousel import Forecaster
from carrousel.forecast.large import scores as module

REGION = {"s000": "north", "s001": "north", "s002": None, "s003": "south"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def rows():
    rows = table(series=8, longest=60)
    named = rows.with_columns(
        pl.col("unique_id").replace_strict(REGION, default="south").alias("region")
    )
    moved = (pl.col("unique_id") == "s007") & (pl.col("ds") == pl.col("ds").max().over("unique_id"))
    return named.with_columns(
        pl.when(moved).then(pl.lit("north")).otherwise("region").alias("region")
    )


def hive(rows: pl.DataFrame, folder):
    """A folder for each region, as Hive has it; that of no region bears Hive's name for it."""
    for (name,), part in rows.partition_by("region", as_dict=True, include_key=False).items():
        below = folder / f"region={name or '__HIVE_DEFAULT_PARTITION__'}"
        below.mkdir(parents=True)
        part.write_parquet(below / "part.parquet")
    return folder


@pytest.mark.parametrize("kind", ["a column", "Hive partitions", "a lazy frame"])
def test_scores_by_group_are_those_of_a_table_of_all_scores(tmp_path, rows, kind):
    folder = tmp_path / "d"
    if kind == "Hive partitions":
        hive(rows, folder)
    else:
        folder.mkdir()
        rows.gather_every(2).write_parquet(folder / "a.parquet")
        rows.gather_every(2, 1).write_parquet(folder / "b.parquet")
    data = pl.scan_parquet(folder / "*.parquet") if kind == "a lazy frame" else folder
    _, found = Forecaster(3, effort="instant").backtest(data, out=tmp_path / "o", by="region")
    told = {row["group"]: row for row in found.groups if row["group"].startswith("region")}
    ours = pl.read_parquet(tmp_path / "o" / "scores" / "*.parquet")
    ours = ours.filter(pl.col("method") == "carrousel").to_pandas().set_index("unique_id")["mase"]
    groups = {"north": ["s000", "s001"], "(none)": ["s002"], "(several)": ["s007"],
              "south": ["s003", "s004", "s005", "s006"]}  # fmt: skip
    assert sum(row["series"] for row in told.values()) == len(ours)
    for name, members in groups.items():
        there = ours[[one for one in members if one in ours.index]]
        row = told[f"region {name}"]
        assert row["series"] == len(there)
        assert (row["mean"], row["50%"]) == pytest.approx((there.mean(), there.median()))
    means = [row["mean"] for row in told.values()]
    assert means == sorted(means, reverse=True)


def test_small_groups_of_very_many_are_told_together(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(module, "MOST_GROUPS", 3)
    rows.write_parquet(tmp_path / "a.parquet")
    _, found = Forecaster(3, effort="instant").backtest(
        f"{tmp_path}/*.parquet", out=tmp_path / "o", by="unique_id"
    )
    told = [row for row in found.groups if row["group"].startswith("unique_id")]
    assert sorted(row["series"] for row in told)[-1] == found.series - 2
    assert {row["group"] for row in told} >= {"unique_id (others)"}


def test_a_column_that_is_not_there_is_refused_before_any_work(tmp_path, rows, command_line):
    rows.with_columns(pl.lit([1]).alias("pair")).write_parquet(tmp_path / "a.parquet")
    for name, wrong in (("area", "must be a column of the data, got 'area'"), ("pair", "single")):
        for command in ("forecast", "backtest"):
            words = (command, f"{tmp_path}/*.parquet", "-h", 3, "--by", name)
            done = command_line(*words, "--out", tmp_path / "o", "--effort", "instant")
            assert done.code == 2
            assert wrong in done.err
            assert "--by" in done.err
    assert not (tmp_path / "cache").exists()


def test_the_command_line_shows_groups(tmp_path, rows, command_line):
    hive(rows, tmp_path / "d")
    words = ("forecast", tmp_path / "d", "-h", 3, "--effort", "instant", "--by", "region")
    done = command_line(*words, "--out", tmp_path / "o", "--report")
    assert done.code == 0, done.err
    assert "region north" in done.out
    assert "region north" in (tmp_path / "o" / "report.html").read_text()
    assert "…" not in done.out
    one = tmp_path / "d" / "region=north" / "part.parquet"
    assert "--by needs a directory" in command_line("forecast", one, *words[2:]).err
    assert "--no-holdout" in command_line(*words, "--no-holdout").err
