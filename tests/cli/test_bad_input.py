"""Everything a user can get wrong: one line on standard error, exit code 2, nothing left behind."""

import json
import os

import polars as pl
import pytest

from carrousel.cli.screen import reading

from .conftest import months

QUICK = ("--steps", 1, "--effort", "fast")


@pytest.fixture
def refused(run, tmp_path):
    """Run, and check that the refusal is one line that leaves no file but those there before."""

    def call(*arguments) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = run(*arguments)
        assert result.code == 2, result
        assert result.err.count("\n") == 1, result.err
        assert result.err.startswith("carrousel: ")
        assert "Traceback" not in result.err
        assert sorted(tmp_path.rglob("*")) == before
        return result.err

    return call


Y = "2015-01-01,1\n2015-02-01,2\n2015-03-01,"
FILES = {
    "an empty file": ("", "the file is empty"),
    "only a header": ("ds,y\n", "has no rows"),
    "no time column": ("month,y\n2015-01,1\n", "--time-col: there is no column 'ds'"),
    "no target column": ("ds,sales\n2015-01,1\n", "--target-col: there is no column 'y'"),
    "text in y": (f"ds,y\n{Y}much\n", "y: 'much' in row 3 is not a number"),
    "infinite values": (f"ds,y\n{Y}inf\n", "y: the value in row 3 is infinite"),
    "no values at all": ("ds,y\n2015-01-01,\n2015-02-01,\n", "y: no value at all"),
    "one series without values": (
        "unique_id,ds,y\na,2015-01-01,1\na,2015-02-01,1\nb,2015-01-01,\nb,2015-02-01,\n",
        "y: no value at all in series 'b'",
    ),
    "duplicates": (f"ds,y\n{Y}3\n2015-02-01,2\n", "ds: two rows for 2015-02-01 of series 'y'"),
    "a bad date": (f"ds,y\n{Y}3\nsoon,4\n", "ds: 'soon' in row 4 is no time"),
    "irregular times": (
        "ds,y\n2015-01-01,1\n2015-01-02,2\n2015-03-09,3\n2019-04-01,3\n",
        "--freq is ambiguous, the times are irregular",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_files(case, refused, tmp_path):
    content, message = FILES[case]
    (tmp_path / "a.csv").write_text(content)
    assert message in refused("forecast", "a.csv", "--horizon", 6, *QUICK)


def test_a_missing_file(refused):
    assert "none.csv: there is no such file" in refused("forecast", "none.csv", "--horizon", 3)


def test_a_folder_without_files(refused, tmp_path):
    assert "there is no Parquet file" in refused("forecast", tmp_path, "--horizon", 3)


@pytest.mark.parametrize("fails", [True, False])
def test_what_a_compiled_library_says_of_a_damaged_file_gives_way_to_our_line(fails, capfd):
    """Rust writes its backtraces to the file of standard error, past Python."""

    def read():
        with reading():
            os.write(2, b"thread panicked at bitmap.rs\n")
            if fails:
                raise ValueError("it is damaged")

    if fails:
        with pytest.raises(ValueError, match="it is damaged"):
            read()
    else:
        read()
    os.write(2, b"afterwards\n")
    said = capfd.readouterr().err
    assert said == ("" if fails else "thread panicked at bitmap.rs\n") + "afterwards\n"


def test_something_else_called_parquet(refused, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"not a table")
    assert "cannot be read as Parquet" in refused("forecast", "a.parquet", "--horizon", 3)


ARGUMENTS = {
    "horizon zero": (("--horizon", 0), "--horizon must be at least 1, got 0"),
    "horizon negative": (("--horizon", -3), "--horizon must be at least 1, got -3"),
    "horizon missing": ((), "--horizon is missing"),
    "horizon in words": (("--horizon", "two"), "Invalid value for '--horizon'"),
    "unknown cell": (
        ("--horizon", 3, "--cell", "cnn"),
        "--cell must be one of 'lstm', 'gru', 'rnn', 'ann'",
    ),
    "unknown effort": (("--horizon", 3, "--effort", "huge"), "--effort must be one of"),
    "level of 100": (("--horizon", 3, "--level", 100), "--level must hold percentages"),
    "unknown freq": (("--horizon", 3, "--freq", "fortnight"), "--freq must be"),
    "freq that does not fit": (("--horizon", 3, "--freq", "1d1"), "--freq must be"),
    "unknown option": (("--horizon", 3, "--speed", 3), "No such option"),
    "file and sample": (("--sample", "airline"), "name either a FILE or a --sample"),
    "training steps": (("--horizon", 3, "--steps", 0), "--steps must be at least 1"),
    "season": (("--horizon", 3, "--season", 0), "--season must be at least 1"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_bad_arguments(case, refused, small):
    arguments, message = ARGUMENTS[case]
    assert message in refused("forecast", small, *arguments)


def test_neither_file_nor_sample(refused):
    assert "name either a FILE or a --sample" in refused("forecast", "--horizon", 3)


def test_unknown_sample(refused):
    assert "sample must be one of 'airline', 'bikes', 'jobs'" in refused(
        "forecast", "--sample", "x"
    )


def test_unknown_command(refused):
    assert "No such command 'fortune'" in refused("fortune")


@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_a_folder_that_cannot_be_written(command, refused, small):
    message = refused(command, small, "--horizon", 3, *QUICK, "--out", small / "results")
    assert f"--out: {small}/results cannot be made: Not a directory" in message


def test_backtest_windows(refused, small):
    assert "--windows must be at least 1" in refused("backtest", small, "-h", 3, "--windows", 0)
    assert "--step must be at least 1" in refused("backtest", small, "-h", 3, "--step", 0)
    message = refused("backtest", small, "-h", 12, "--windows", 4, *QUICK)
    assert "needs 50 steps per series, but 'élan [1]' has 40" in message


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of monthly series."""
    from carrousel import Forecaster

    path = tmp_path_factory.mktemp("model")
    Forecaster(3, max_steps=1, ensemble=1).fit(months(40)).save(path)
    return path


@pytest.fixture
def copied(model, tmp_path):
    """A copy of the model that a test may damage."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_no_model_there(refused, small, tmp_path):
    assert "there is no model in" in refused("predict", tmp_path, small)


def test_truncated_models(refused, small, copied):
    (weights,) = copied.glob("model-*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "is truncated" in refused("predict", copied, small)
    weights.unlink()
    assert f"{weights.name} is missing" in refused("predict", copied, small)
    (copied / "model.json").write_text('{"format": 1, "op')
    assert "is truncated" in refused("predict", copied, small)


def test_a_model_of_a_newer_version(refused, small, copied):
    description = json.loads((copied / "model.json").read_text())
    (copied / "model.json").write_text(json.dumps({**description, "format": 99}))
    assert "update carrousel" in refused("predict", copied, small)


def test_a_model_of_another_frequency(refused, model, tmp_path):
    frame = months(10).with_columns(pl.col("ds").dt.offset_by("15d"))
    frame.with_row_index("k").select("y", ds="k").write_csv(tmp_path / "whole.csv")
    message = refused("predict", model, "whole.csv")
    assert "--freq '1mo' does not fit ds, which holds whole numbers" in message


def test_predict_writes_only_tables(refused, model, small):
    message = refused("predict", model, small, "--out", "f.xlsx")
    assert "--out must end in .csv or .parquet" in message
