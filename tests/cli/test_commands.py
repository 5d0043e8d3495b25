"""The commands, as a user runs them."""

import json
import signal
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest

from carrousel.cli.folders import whole_folder

from .conftest import months

QUICK = ("--steps", 2, "--effort", "fast")
FILES = ["backtest.csv", "forecast.csv", "forecast.json", "forecast.png", "model"]


def test_forecast_writes_everything(run, small, tmp_path):
    result = run("forecast", small, "--horizon", 6, *QUICK, "--out", "results")
    assert (result.code, result.err) == (0, "")
    assert "small.csv: 2 series of 40 steps, monthly (freq 1mo)" in result.out
    for method in ("carrousel", "seasonal naive (12)", "naive"):
        assert f"│ {method}" in result.out
    assert " won" in result.out
    out = tmp_path / "results"
    assert sorted(item.name for item in out.iterdir()) == FILES
    assert (out / "forecast.png").read_bytes().startswith(b"\x89PNG")

    table = pl.read_csv(out / "forecast.csv")
    assert table["unique_id"].to_list() == ["élan [1]"] * 6 + ["b"] * 6
    assert table["ds"].to_list()[:2] == ["2018-05-01", "2018-06-01"]
    narrow, wide = (table[f"carrousel-hi-{p}"] - table[f"carrousel-lo-{p}"] for p in (80, 95))
    assert (narrow >= 0).all()
    assert (wide >= narrow).all()

    record = json.loads((out / "forecast.json").read_text("utf-8"))
    assert record["freq"] == "1mo"
    assert set(record["scores"]) == {"carrousel", "seasonal naive (12)", "naive"}
    held = pl.read_csv(out / "backtest.csv")
    error = (held["carrousel"] - held["y"]).abs() / (held["carrousel"].abs() + held["y"].abs())
    mean = np.mean([200 * error[:6].mean(), 200 * error[6:].mean()])
    assert record["scores"]["carrousel"]["mean"]["smape"] == pytest.approx(mean, rel=1e-4)


def test_forecast_twice_is_the_same_and_replaces(run, small, tmp_path):
    contents = []
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mine.txt").write_text("kept")
    for _ in range(2):
        assert run("forecast", small, "-h", 3, *QUICK, "--out", "results").code == 0
        contents.append((tmp_path / "results" / "forecast.csv").read_bytes())
    assert contents[0] == contents[1]
    names = {item.name for item in (tmp_path / "results").iterdir()}
    assert names == {*FILES, "mine.txt"}


def test_mapped_columns_gaps_and_parquet(run, tmp_path):
    hours = np.arange(200).astype("m8[h]") + np.datetime64("2024-03-01", "us")
    frame = pl.DataFrame({"when": hours, "load": np.arange(200.0) % 24, "other": "x"})
    frame = pl.concat([frame[100:], frame[:90]])
    frame.write_parquet(tmp_path / "load.parquet")
    result = run("forecast", "load.parquet", "-h", 5, "--time-col", "when", "--target-col", "load",
                 "--cell", "gru", "--level", 50, "--parquet", *QUICK)  # fmt: skip
    assert result.code == 0, result.err
    assert "one series of 200 steps, hourly" in result.out
    assert "rows sorted by when" in result.out
    assert "10 gaps filled as missing" in result.out
    table = pl.read_parquet(tmp_path / "forecast" / "forecast.parquet")
    assert table.columns == ["when", "carrousel", "carrousel-lo-50", "carrousel-hi-50"]
    assert table["when"][0] == frame["when"].max() + np.timedelta64(1, "h")


def test_integer_time_and_one_step(run, tmp_path):
    pl.DataFrame({"ds": range(30), "y": [1.0, 2.0] * 15}).write_csv(tmp_path / "a.csv")
    result = run("forecast", "a.csv", "--horizon", 1, *QUICK)
    assert result.code == 0, result.err
    assert pl.read_csv(tmp_path / "forecast" / "forecast.csv")["ds"].to_list() == [30]


def test_a_constant_series_has_no_mase(run, tmp_path):
    pl.DataFrame({"ds": range(30), "y": [7.0] * 30}).write_csv(tmp_path / "a.csv")
    result = run("forecast", "a.csv", "--horizon", 3, *QUICK)
    assert result.code == 0, result.err
    record = json.loads((tmp_path / "forecast" / "forecast.json").read_text())
    assert record["scores"]["naive"]["mean"]["mase"] is None
    assert "naive method won" in result.out


@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_short_series_are_forecast_but_not_compared(command, run, small, tmp_path):
    short = months(3).select(pl.lit("short").alias("unique_id"), "ds", "y")
    table = pl.read_csv(small, try_parse_dates=True).cast({"ds": pl.Datetime("us")})
    pl.concat([table[:40], short, table[40:]]).write_csv(tmp_path / "mixed.csv")
    only = ("--windows", 2) if command == "backtest" else ("--report",)
    result = run(command, "mixed.csv", "-h", 6, *QUICK, *only, "--out", "results")
    assert (result.code, result.err) == (0, "")
    assert "1 series with fewer than 1" in result.out
    assert "not compared: 'short'" in result.out
    table = pl.read_csv(tmp_path / "results" / "backtest.csv")
    assert table["unique_id"].unique(maintain_order=True).to_list() == ["élan [1]", "b"]
    same = run(command, small, "-h", 6, *QUICK, *only, "--out", "without")
    for name in ("seasonal naive (12)", "naive"):
        lines = [next(li for li in r.out.splitlines() if f"│ {name}" in li) for r in (result, same)]
        assert lines[0] == lines[1]
    if command == "forecast":
        assert pl.read_csv(tmp_path / "results" / "forecast.csv")["unique_id"].n_unique() == 3


def test_backtest_prints_and_writes(run, small, tmp_path):
    arguments = ("backtest", small, "--horizon", 4, "--windows", 3, "--step", 2, *QUICK)
    result = run(*arguments)
    assert result.code == 0, result.err
    assert "3 windows of 4 steps" in result.out
    assert [p.name for p in tmp_path.iterdir()] == ["small.csv"]
    assert run(*arguments, "--out", "results").code == 0
    table = pl.read_csv(tmp_path / "results" / "backtest.csv")
    assert len(table) == 3 * 2 * 4
    assert table["cutoff"].n_unique() == 3
    known = pl.read_csv(small)
    told = table.filter(pl.col("unique_id") == "b")["naive"].to_list()[:4]
    assert told == [known.filter(pl.col("unique_id") == "b")["y"][31]] * 4
    record = json.loads((tmp_path / "results" / "backtest.json").read_text())
    assert record["windows"] == 3


def test_predict_follows_new_observations(run, small, tmp_path):
    assert run("forecast", small, "--horizon", 3, *QUICK, "--out", "m").code == 0
    frame = (
        pl.read_csv(small).filter(pl.col("unique_id") == "b").with_columns(unique_id=pl.lit("new"))
    )
    frame[:30].write_csv(tmp_path / "more.csv")
    result = run("predict", "m/model", "more.csv", "--level", 90)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "unique_id,ds,carrousel,carrousel-lo-90,carrousel-hi-90"
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["new", "2017-07-01"], ["new", "2017-08-01"], ["new", "2017-09-01"]
    ]  # fmt: skip
    assert run("predict", "m/model", "more.csv", "--level", 90, "--out", "f.csv").out == ""
    assert (tmp_path / "f.csv").read_text() == result.out
    same = run("predict", "m/model", small).out
    written = (tmp_path / "m" / "forecast.csv").read_text("utf-8")
    assert same == written


def test_update_goes_on_where_the_model_ended(run, small, tmp_path):
    known = pl.read_csv(small)
    old = known.group_by("unique_id", maintain_order=True).head(37)
    old.write_csv(tmp_path / "old.csv")
    assert run("forecast", "old.csv", "--horizon", 3, *QUICK, "--out", "m").code == 0
    known.join(old, on=["unique_id", "ds"], how="anti").write_csv(tmp_path / "new.csv")
    result = run("update", "m/model", "new.csv")
    assert (result.code, result.err) == (0, "")
    assert result.out == "m/model holds 2 series up to 2018-04-01\n"
    assert "6 rows known already" in run("update", "m/model", "new.csv").out
    forecast = run("predict", "m/model")
    assert (forecast.code, forecast.err) == (0, "")
    assert forecast.out.splitlines()[1].startswith("élan [1],2018-05-01,")
    pl.DataFrame({"unique_id": ["c"], "ds": ["2018-05-01"], "y": [1.0]}).write_csv(
        tmp_path / "other.csv"
    )
    refused = run("update", "m/model", "other.csv")
    assert refused.code == 2
    assert "does not hold series 'c'" in refused.err
    assert "1 new series taken in" in run("update", "m/model", "other.csv", "--add").out
    assert run("predict", "m/model").out.count("\nc,") == 3


def test_warnings_are_one_line(run, monkeypatch, tmp_path):
    def warn(*_, **__):
        warnings.warn("a full\ndisk", RuntimeWarning, stacklevel=1)
        raise ValueError("no model")

    monkeypatch.setattr("carrousel.forecast.Forecaster.load", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run("predict", "m", "x.csv")
    assert result.err == "carrousel: a full disk\ncarrousel: no model\n"


def test_samples_are_listed_with_their_licenses(run):
    result = run("samples")
    assert result.code == 0
    for word in ("airline", "bikes", "jobs", "CC BY 4.0", "public domain", "Box, Jenkins"):
        assert word in result.out


def test_no_arguments_show_the_help(run):
    result = run()
    assert result.code == 0
    assert "forecast" in result.out


def _interrupted(target):
    with whole_folder(target) as folder:
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a" / "b"
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert list(tmp_path.iterdir()) == []
    for text in ("one", "two"):
        with whole_folder(target) as folder:
            (folder / "model").mkdir()
            (folder / "model" / "x.txt").write_text(text)
        assert [p.name for p in target.rglob("*")] == ["model", "x.txt"]
        assert (target / "model" / "x.txt").read_text() == text


def test_two_runs_into_one_folder_leave_each_other_alone(tmp_path):
    with whole_folder(tmp_path) as one:
        (one / "a").write_text("1")
        with whole_folder(tmp_path) as two:
            (two / "b").write_text("2")
        assert (one / "a").exists()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a", "b"]


HELD_OUT, FINAL = "learning without the held-out steps", "learning from everything"
# Learning as usual, but the training of that name halts after its third update and says so.
HALTING = """
import time
from contextlib import contextmanager
from carrousel.cli import main, progress

@contextmanager
def halting_bar(title):
    def report(network, now):
        if title == {title!r} and now.step == 3:
            print("halted", flush=True)
            time.sleep(60)
    yield report

progress.training_bar = halting_bar
main()
"""


def stopped(title, sent, small):
    """(exit code, output, errors) of a ``forecast`` that gets a signal while it learns."""
    arguments = ["forecast", small.name, "--horizon", "3", "--effort", "fast", "--steps", "5"]
    with subprocess.Popen(
        [sys.executable, "-c", HALTING.format(title=title), *arguments],
        cwd=small.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        said = []
        for line in process.stdout:
            said.append(line)
            if line == "halted\n":
                process.send_signal(sent)
        error = process.stderr.read()
    return process.returncode, "".join(said), error


@pytest.mark.parametrize("title", [HELD_OUT, FINAL])
def test_a_killed_run_leaves_nothing(title, small, tmp_path):
    code, _, error = stopped(title, signal.SIGTERM, small)
    assert (code, error) == (143, "")
    assert [item.name for item in tmp_path.iterdir()] == ["small.csv"]


def test_ctrl_c_in_the_held_out_trial_leaves_nothing(small, tmp_path):
    code, _, error = stopped(HELD_OUT, signal.SIGINT, small)
    assert (code, error) == (130, "")
    assert [item.name for item in tmp_path.iterdir()] == ["small.csv"]


def test_ctrl_c_in_the_final_learning_keeps_what_was_learned_and_says_so(small, tmp_path):
    code, out, error = stopped(FINAL, signal.SIGINT, small)
    assert code == 0, error
    assert "Stopped by Ctrl-C after 3 updates of network 1 of" in error
    assert "Written to forecast/: backtest.csv, forecast.csv" in out
    assert sorted(item.name for item in (tmp_path / "forecast").iterdir()) == FILES
    record = json.loads((tmp_path / "forecast" / "forecast.json").read_text())
    assert [run["ended"] for run in record["training"]["networks"]] == ["interrupted"]
