"""Forecasts of many files, block by block, are those of one table, and can be gone on with."""

import hashlib
import json
import logging
from threading import Thread

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.data.store.test_store import strewn, table

from carrousel import Forecaster
from carrousel.data.store import open_store, store
from carrousel.forecast.large import Results, run_blocks

H = 3
OPTIONS = {"max_steps": 4, "ensemble": 1, "hidden_size": 16, "num_layers": 1, "batch_size": 8}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A cache of its own, and small blocks."""
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "TOGETHER", 4)
    monkeypatch.setattr(store, "MOST_SERIES", 4)


@pytest.fixture
def rows():
    return table(series=11, longest=60)


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(H, **OPTIONS).fit(table(series=11, longest=60))


def contents(folder):
    """Every file but the one that says how long it took."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "summary.json"
    }


@pytest.mark.parametrize("effort", ["trained", "instant"])
def test_forecasts_in_parts_are_those_of_the_whole_table(tmp_path, rows, fitted, effort):
    forecaster = fitted if effort == "trained" else Forecaster(H, effort="instant").fit(rows)
    folder = strewn(rows, tmp_path / "d")
    summary = forecaster.predict(folder, out=tmp_path / "out", level=[80])
    assert (summary.status, summary.series, summary.blocks, summary.rows) == ("complete", 11, 3, 33)
    found = pl.read_parquet(tmp_path / "out" / "*.parquet")
    expected = forecaster.predict(rows, level=[80])
    assert_frame_equal(found, expected, check_exact=True)
    assert_frame_equal(forecaster.predict(folder, level=[80]), found, check_exact=True)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["status"] == "complete"


def test_a_run_that_stopped_goes_on_and_ends_in_the_same_files(tmp_path, rows, fitted):
    folder = strewn(rows, tmp_path / "d")
    fitted.predict(folder, out=tmp_path / "whole")

    def stop(done, blocks):
        if done == 2:
            raise KeyboardInterrupt

    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        fitted.predict(folder, out=out, progress=stop)
    assert not (out / "manifest.json").exists()
    with pytest.raises(ValueError, match=r"holds results of a run; go on with it by resume"):
        fitted.predict(folder, out=out)
    with pytest.raises(ValueError, match=r"other series, another model or other options"):
        fitted.predict(folder, out=out, level=[50], resume=True)
    first = out / "part-000000.parquet"
    made = first.stat().st_mtime_ns
    (out / "part-000001.parquet").write_bytes(b"half of it")
    assert fitted.predict(folder, out=out, resume=True).resumed == 1
    assert first.stat().st_mtime_ns == made
    assert contents(out) == contents(tmp_path / "whole")
    assert fitted.predict(folder, out=out, resume=True).resumed == 3
    assert contents(out) == contents(tmp_path / "whole")


def test_a_block_that_was_done_again_is_there_when_the_second_run_stops_too(tmp_path):
    results = Results(tmp_path, {}, 1)
    with results.begun():
        results.write(0, {}, 0, [store.Broken("block", "0", "the disk was full")])
        results.finish()

    def again_and_stop():
        with results.begun(resume=True):
            assert results.todo() == [0]
            results.write(0, {"": pl.DataFrame({"y": [1.0]})}, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again_and_stop()
    with results.begun(resume=True):
        assert results.todo() == []
        assert [part.rows for part in results.finish()] == [1]


def test_one_run_at_a_time_in_a_folder(tmp_path):
    refused = []

    def other():
        try:
            with Results(tmp_path, {}, 1).begun():
                pass
        except BlockingIOError as error:
            refused.append(str(error))

    with Results(tmp_path, {}, 1).begun():
        thread = Thread(target=other)
        thread.start()
        thread.join()
    assert "is being written by another process" in refused[0]


def test_a_series_that_fails_is_left_out_by_name(tmp_path, rows, caplog):
    source = open_store(strewn(rows, tmp_path / "d"))

    def work(panel):
        if "s006" in panel.ids:
            raise ValueError("no forecast of it")
        return {"": pl.DataFrame({"unique_id": panel.ids})}

    results = Results(tmp_path / "out", {}, source.n_blocks)
    with pytest.raises(ValueError, match="no forecast of it"):
        run_blocks(source, results, work)
    caplog.clear()  # other packages' loggers may have opened the root for it already
    with caplog.at_level(logging.INFO, "carrousel"):
        summary = run_blocks(source, results, work, resume=True, on_error="skip")
    assert [str(one) for one in summary.broken] == ["series 's006': no forecast of it"]
    assert (summary.status, summary.exit_code, summary.series) == ("incomplete", 3, 10)
    names = pl.read_parquet(results.paths())["unique_id"].to_list()
    assert names == [f"s{k:03d}" for k in range(11) if k != 6]
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("block=")]
    assert len(lines) == 2
    assert lines[0].startswith("block=2/3 series=3 rows=3 broken=1 seconds=")


def test_a_block_that_cannot_be_read_does_not_take_the_others(tmp_path, rows, fitted, monkeypatch):
    folder = strewn(rows, tmp_path / "d")
    read = store.Store.block

    def block(self, i):
        if i == 1:
            raise OSError(5, "Input/output error", "values.bin")
        return read(self, i)

    with monkeypatch.context() as fault:
        fault.setattr(store.Store, "block", block)
        with pytest.raises(OSError, match="Input/output"):
            fitted.predict(folder, out=tmp_path / "stop")
        summary = fitted.predict(folder, out=tmp_path / "skip", on_error="skip")
    assert (summary.series, summary.exit_code) == (7, 3)
    assert summary.broken[0].kind == "block"
    assert fitted.predict(folder, out=tmp_path / "skip", on_error="skip", resume=True).series == 11


def test_what_a_source_cannot_do_is_refused(tmp_path, rows, fitted):
    folder = strewn(rows, tmp_path / "d")
    with pytest.raises(ValueError, match="futr_exog cannot be used with a directory"):
        Forecaster(H, futr_exog=["x"]).fit(folder)
    with pytest.raises(ValueError, match=r"out: data must be a directory"):
        fitted.predict(rows, out=tmp_path / "out")
    first = pl.datetime(2024, 1, 1)
    hours = rows.with_columns((first + (pl.col("ds") - first) / 24).alias("ds"))
    with pytest.raises(ValueError, match="is not a whole number of steps of freq '1d'"):
        fitted.predict(strewn(hours, tmp_path / "h"), out=tmp_path / "out")


def test_learning_from_files_is_learning_from_the_table(tmp_path, rows, fitted):
    learned = Forecaster(H, **OPTIONS).fit(strewn(rows, tmp_path / "d"))
    assert learned.runs_[0].losses == fitted.runs_[0].losses
    assert learned.runs_[0].scores == fitted.runs_[0].scores
    assert learned.identity == fitted.identity
    assert_frame_equal(learned.predict(), fitted.predict(), check_exact=True)


def test_everything_that_takes_observations_takes_files(tmp_path, rows, fitted):
    folder = strewn(rows, tmp_path / "d")
    assert_frame_equal(fitted.sample(folder, n=2), fitted.sample(rows, n=2))
    assert_frame_equal(fitted.distribution(rows.lazy()), fitted.distribution(rows))
    assert fitted.evaluate(folder).means == fitted.evaluate(rows).means
    shipped = Forecaster.pretrained()
    found = shipped.predict(folder, h=2, out=tmp_path / "out")
    assert found.series == 11
    assert_frame_equal(shipped.predict(folder, h=2), shipped.predict(rows, h=2), check_exact=True)


def test_a_lazy_frame_of_one_series_is_a_table(rows):
    one = rows.filter(pl.col("unique_id") == "s000").drop("unique_id")
    learned, lazily = (Forecaster(H, **OPTIONS).fit(data).predict() for data in (one, one.lazy()))
    assert_frame_equal(learned, lazily)


def test_new_rows_in_files_move_a_model_on(tmp_path, rows):
    last = pl.col("ds") > pl.col("ds").max().over("unique_id") - pl.duration(days=2)
    models = [Forecaster(H, **OPTIONS).fit(rows.filter(~last)) for _ in range(2)]
    models[0].update(rows.filter(last))
    models[1].update(strewn(rows.filter(last), tmp_path / "new"))
    assert_frame_equal(models[0].predict(), models[1].predict(), check_exact=True)


def test_a_model_of_more_series_than_it_holds_is_saved_without_them(tmp_path, rows, monkeypatch):
    from carrousel.forecast.large import series

    monkeypatch.setattr(series, "HELD", 10)
    folder = strewn(rows, tmp_path / "d")
    forecaster = Forecaster(H, **OPTIONS).fit(folder)
    with pytest.raises(ValueError, match="the model holds no series"):
        forecaster.predict()
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.identity == forecaster.identity
    expected = forecaster.predict(rows)
    assert_frame_equal(loaded.predict(folder), expected, check_exact=True)
    assert np.isfinite(expected["carrousel"].to_numpy()).all()
