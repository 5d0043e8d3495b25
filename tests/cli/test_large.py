"""The commands on directories of Parquet files and globs."""

import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.data.store.test_store import strewn, table
from tests.forecast.large.test_predict import contents

from carrousel import Forecaster
from carrousel.data.store import store
from carrousel.forecast.large import run

FAST = ("--max-steps", "4", "--ensemble", "1", "--hidden-size", "8", "--num-layers", "1",
        "--batch-size", "8")  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def rows():
    return table(series=9, longest=60)


def test_forecast_of_a_glob_holds_out_learns_writes_and_reports(tmp_path, rows, command_line):
    strewn(rows, tmp_path / "d")
    out = tmp_path / "out"
    found = command_line("forecast", f"{tmp_path}/d/*.parquet", "-h", 3, "--out", out, *FAST,
                         "--report", "--level", 80)  # fmt: skip
    assert found.code == 0, found.err
    assert "rows in 3 files read" in found.out
    assert "forecast better by" in found.out
    parts = pl.read_parquet(out / "forecast" / "*.parquet")
    model = Forecaster.load(out / "model")
    assert_frame_equal(parts, model.predict(rows, level=[80]), check_exact=True)
    told = json.loads((out / "summary.json").read_text())
    assert (told["status"], told["exit_code"], told["series"], told["broken"]) == (
        "complete",
        0,
        9,
        [],
    )
    assert set(told["scores"]["means"]) == {"carrousel", "seasonal naive (7)", "naive"}
    page = (out / "report.html").read_text()
    assert "The largest errors" in page
    assert not (out / "training").exists()
    again = command_line("forecast", tmp_path / "d", "-h", 3, "--out", out, *FAST)
    assert again.code == 2
    assert "--resume" in again.err


def test_forecast_at_once_of_a_directory_with_a_broken_series(tmp_path, rows, command_line):
    folder = strewn(rows, tmp_path / "d")
    text = rows.filter(pl.col("unique_id") == "s003").head(1)
    text.with_columns(pl.lit("many").alias("y")).write_parquet(folder / "text.parquet")
    how = ("forecast", folder, "-h", 3, "--effort", "instant", "--no-holdout")
    stopped = command_line(*how, "--out", tmp_path / "stopped")
    assert stopped.code == 2
    assert "series 's003': 'y' holds text that is no number (text.parquet)" in stopped.err
    found = command_line(*how, "--out", tmp_path / "out", "--on-error", "skip", "--json")
    assert found.code == 3
    told = json.loads(found.out)
    assert (told["status"], told["exit_code"], told["series"]) == ("incomplete", 3, 8)
    assert told["broken"][0]["name"] == "s003"
    names = pl.read_parquet(tmp_path / "out" / "forecast" / "*.parquet")["unique_id"].unique()
    assert sorted(names) == [f"s{k:03d}" for k in range(9) if k != 3]


def test_backtest_and_predict_of_a_directory(tmp_path, rows, command_line):
    folder, model = strewn(rows, tmp_path / "d"), tmp_path / "model"
    Forecaster(3, effort="instant").fit(rows).save(model)
    how = ("--effort", "instant", "-h", 3, "--windows", 2)
    assert "--out is missing" in command_line("backtest", folder, *how).err
    found = command_line("backtest", folder, *how, "--out", tmp_path / "b", "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out)["scores"]["series"] == 9
    assert "--out is missing" in command_line("predict", model, folder).err
    found = command_line("predict", model, folder, "--out", tmp_path / "p", "--json", "--level", 80)
    assert found.code == 0, found.err
    again = command_line(
        "predict", model, folder, "--out", tmp_path / "p", "--level", 80, "--resume", "--json"
    )
    assert json.loads(again.out)["resumed"] == 1
    parts = pl.read_parquet(tmp_path / "p" / "*.parquet")
    assert_frame_equal(parts, Forecaster.load(model).predict(rows, level=[80]), check_exact=True)


def test_a_forecast_that_stopped_goes_on_and_ends_in_the_same_files(
    tmp_path, rows, command_line, monkeypatch
):
    """It is stopped between two blocks of the last of three stages."""
    for name in ("TOGETHER", "MOST_SERIES"):
        monkeypatch.setattr(store, name, 4)
    how = ("forecast", strewn(rows, tmp_path / "d"), "-h", 3, *FAST)
    assert command_line(*how, "--out", tmp_path / "whole").code == 0
    one_block, calls = run.one_block, []

    def stopped(*arguments, **how):
        calls.append(arguments)
        if len(calls) == 5:  # three blocks were held out
            raise KeyboardInterrupt
        return one_block(*arguments, **how)

    with monkeypatch.context() as fault:
        fault.setattr(run, "one_block", stopped)
        assert command_line(*how, "--out", tmp_path / "out").code == 130
    assert not (tmp_path / "out" / "summary.json").exists()
    found = command_line(*how, "--out", tmp_path / "out", "--resume", "--json")
    assert (found.code, json.loads(found.out)["resumed"]) == (0, 1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


REFUSED = {
    "--explain": ("--explain",),
    "--checkpoint": ("--checkpoint", "x"),
    "--futr-exog": ("--futr-exog", "price"),
}  # fmt: skip


@pytest.mark.parametrize("flag", REFUSED)
def test_what_only_one_table_can_have_is_refused(tmp_path, rows, command_line, flag):
    folder = strewn(rows, tmp_path / "d")
    found = command_line("forecast", folder, "-h", 3, "--out", tmp_path / "o", *REFUSED[flag])
    assert found.code == 2
    assert f"{flag} cannot be used with a directory" in found.err


ADDRESSES = {
    "none": ("",),
    "of another machine": ("head:6379",),
    "the one that is there": ("auto",),
    "behind an equals sign": ("=anything",),
}


@pytest.mark.parametrize("which", ADDRESSES)
def test_the_address_of_a_cluster_may_be_left_out(tmp_path, rows, command_line, which):
    """A path behind the flag is the file: here one table, which needs no cluster."""
    (word,) = ADDRESSES[which]
    typed = (f"--ray{word}",) if word[:1] in ("", "=") else ("--ray", word)
    path = tmp_path / "rows.parquet"
    rows.write_parquet(path)
    for words in ((*typed, path), (path, *typed)):
        found = command_line("forecast", *words, "-h", 3, "--out", tmp_path / "o", *FAST)
        assert (found.code, "--ray needs a directory" in found.err) == (2, True)
        found = command_line("predict", tmp_path / "model", *words)
        assert (found.code, "--ray" not in found.out) == (2, True)


def test_nothing_that_matches_a_glob_is_one_line(tmp_path, command_line):
    found = command_line("forecast", f"{tmp_path}/*.parquet", "-h", 3, "--out", tmp_path / "o")
    assert found.code == 2
    assert "there is no Parquet file" in found.err
    assert len(found.err.strip().splitlines()) == 1
