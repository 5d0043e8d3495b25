"""Forecasts and trainings on a Ray cluster of two nodes: the numbers of one machine."""

import contextlib
import fcntl
import gc
import logging
import os
import signal

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.data.store import store
from carrousel.forecast.distributed import fit_on_ray, fit_together, on_ray
from carrousel.forecast.distributed.datasets import on_blocks
from carrousel.forecast.distributed.work import Backtest

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install carrousel[ray]")
pytestmark = [
    pytest.mark.filterwarnings("ignore:::ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
H = 3
STORE = 200 << 20  # bytes of memory that a node shares


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One cluster at a time: what ends one takes processes of another along."""
    with open(tmp_path_factory.getbasetemp().parent / "ray.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module", autouse=True)
def cluster(alone):
    """Two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE}
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    nodes.add_node(**node)
    ray.init(nodes.address, log_to_driver=False, logging_level=logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.default_hash_shuffle_parallelism = 4
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    gc.collect()  # sockets that Ray leaves to be found are no concern of other tests


def _table(series: int, ids: str = "s", seed: int = 0) -> pl.DataFrame:
    rng, parts = np.random.default_rng(seed), []
    for s in range(series):
        n = int(rng.integers(30, 70))
        y = 20 + 3 * np.sin(np.arange(n) * np.pi / 6 + s) + rng.normal(0, 0.3, n).cumsum()
        time = pl.datetime_range(
            pl.datetime(2020, 1, 1), pl.datetime(2030, 1, 1), "1mo", eager=True
        )[:n]
        parts.append(pl.DataFrame({"unique_id": [f"{ids}{s}"] * n, "ds": time, "y": y}))
    return pl.concat(parts)


def _dataset(table: pl.DataFrame, blocks: int = 3):
    """Its rows in no order, in several blocks."""
    table = table.sample(fraction=1, shuffle=True, seed=1)
    size = -(-len(table) // blocks)
    return ray.data.from_arrow([table[k : k + size].to_arrow() for k in range(0, len(table), size)])


def _sorted(found) -> pl.DataFrame:
    """All rows of a dataset or an arrow table, in one order."""
    if not hasattr(found, "column_names"):
        refs = found.to_arrow_refs()
        import pyarrow as pa

        found = pa.concat_tables([one for one in ray.get(refs) if one.num_rows])
    table = pl.from_arrow(found)
    return table.sort([name for name in ("unique_id", "cutoff", "ds") if name in table.columns])


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    few = {"max_steps": 3, "hidden_size": 16, "ensemble": 2}
    return Forecaster(H, **few).fit(_table(12))


def test_a_dataset_is_forecast_as_on_one_machine(fitted):
    table = _table(40, seed=5)
    found = fitted.predict(_dataset(table), level=[80])
    assert type(found).__module__.startswith("ray.data")
    assert _sorted(found).equals(_sorted(fitted.predict(table.to_arrow(), level=[80])))


def test_a_dataset_is_forecast_without_learning_as_on_one_machine():
    table = _table(40, seed=6)
    found = Forecaster.pretrained().predict(_dataset(table), h=5)
    assert _sorted(found).equals(_sorted(Forecaster.pretrained().predict(table.to_arrow(), h=5)))


@pytest.mark.parametrize("how", [{"effort": "instant"}, {"max_steps": 3, "ensemble": 1}])
def test_a_backtest_of_a_dataset_is_that_of_one_machine(how):
    table = _table(12, seed=7)
    forecaster = Forecaster(H, **how)
    asked = {"windows": 2, "step": 2, "methods": ["naive"]}
    found = forecaster.backtest(ray.data.from_arrow(table.to_arrow()), **asked)
    assert _sorted(found).equals(_sorted(forecaster.backtest(table.to_arrow(), **asked)))


def test_members_of_an_ensemble_are_trained_by_workers_bit_for_bit():
    table, few = _table(8), {"max_steps": 6, "hidden_size": 16, "ensemble": 3}
    alone = Forecaster(H, **few).fit(table)
    told: list[str] = []
    with on_ray():
        there = Forecaster(H, **few).fit(table, progress=lambda name, _: told.append(name))
    assert told == [f"network {k} of 3" for k in (1, 2, 3)]
    assert [run.losses for run in there.runs_] == [run.losses for run in alone.runs_]
    for ours, theirs in zip(alone.networks_, there.networks_, strict=True):
        for name, value in ours.state_dict().items():
            assert torch.equal(theirs.state_dict()[name], value), name


def _folder(path, table: pl.DataFrame):
    """A directory of Parquet files in which series are spread over files."""
    path.mkdir()
    for k in range(3):
        table.gather_every(3, k).write_parquet(path / f"{k}.parquet")
    return path


def _files(folder) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name != "summary.json"}


def test_a_worker_that_is_killed_and_a_driver_that_is_lose_and_double_nothing(
    fitted, tmp_path, monkeypatch
):
    monkeypatch.setattr(store, "TOGETHER", 2)
    monkeypatch.setattr(store, "MOST_SERIES", 2)
    data = _folder(tmp_path / "data", _table(16, seed=9))
    cache = {"cache": tmp_path / "cache"}
    fitted.predict(data, out=tmp_path / "alone", **cache)
    with on_ray(), pytest.raises(KeyboardInterrupt):
        fitted.predict(data, out=tmp_path / "there", progress=_stop_after(2), **cache)
    pids = _workers()
    with on_ray():
        done = fitted.predict(
            data, out=tmp_path / "there", resume=True, progress=_kill(pids), **cache
        )
    assert done.resumed >= 2
    assert done.blocks == 8
    assert _files(tmp_path / "there") == _files(tmp_path / "alone")


def _stop_after(count: int):
    def progress(done: int, _: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    return progress


@ray.remote(num_cpus=1)
def _pid() -> int:
    return os.getpid()


def _workers() -> set[int]:
    """Processes that do tasks now."""
    return set(ray.get([_pid.remote() for _ in range(4)]))


def _kill(pids: set[int]):
    def progress(done: int, _: int) -> None:
        for pid in pids if done == 1 else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    return progress


def test_a_dataset_is_forecast_though_workers_are_killed(fitted, tmp_path):
    """Each worker is killed once, in the midst of a block."""
    table = _table(20, seed=11)
    alone = _sorted(fitted.predict(table.to_arrow()))
    found = on_blocks(_dataset(table), "unique_id", _Mortal(fitted, str(tmp_path)))
    assert _sorted(found).equals(alone)
    assert len(list(tmp_path.iterdir())) == 2


class _Mortal:
    """A forecast whose first two workers die."""

    def __init__(self, forecaster: Forecaster, folder: str) -> None:
        self.forecaster, self.folder = forecaster, folder

    def __call__(self, block):
        for k in range(2):
            with contextlib.suppress(FileExistsError):
                os.close(os.open(f"{self.folder}/{k}", os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
        return self.forecaster.predict(block)


def test_what_is_broken_is_refused_or_left_out_by_name(fitted, tmp_path):
    data = _folder(tmp_path / "data", _table(4, seed=9))
    (data / "broken.parquet").write_bytes(b"PAR1 no")
    how = {"cache": tmp_path / "cache"}
    with on_ray(), pytest.raises(ValueError, match=r"broken\.parquet"):
        fitted.predict(data, out=tmp_path / "out", **how)
    with on_ray():
        done = fitted.predict(data, out=tmp_path / "out", on_error="skip", **how)
    assert (done.series, done.exit_code, done.status) == (4, 3, "incomplete")
    assert "broken.parquet" in str(done.broken[0])


def test_what_cannot_be_forecast_elsewhere_says_so(fitted):
    data = ray.data.from_arrow(_table(2).to_arrow())
    with pytest.raises(TypeError, match="call backtest"):
        fitted.evaluate(data)
    with pytest.raises(ValueError, match="there is no column 'y'"):
        fitted.predict(data.drop_columns(["y"]))
    with pytest.raises(ValueError, match="groups=True: series that share a hidden state"):
        Forecaster(H, groups=True).backtest(data)
    with pytest.raises(ValueError, match="connected to a cluster, got 'local'"), on_ray("local"):
        pass


def test_a_backtest_names_series_that_were_not_there_yet():
    late = pl.DataFrame({"unique_id": ["late"] * 12, "ds": range(12), "y": [None] * 11 + [1.0]})
    data = ray.data.from_arrow(late.to_arrow())
    known = pl.DataFrame({"unique_id": ["known"] * 12, "ds": range(12), "y": range(12)})
    forecaster = Forecaster(2, effort="instant", freq=1, season_length=1).fit(known)
    work = Backtest([forecaster], [2], (80,), (), (1,))
    with pytest.raises(ValueError, match="no value before the first window in series 'late'"):
        work(late.to_arrow())
    with pytest.raises(TypeError, match="must be a Forecaster, got dict"):
        fit_together({}, data)


def test_the_command_line_works_on_a_cluster(tmp_path, command_line, monkeypatch):
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))
    data = _folder(tmp_path / "data", _table(6, seed=9))
    few = ["--horizon", 3, "--max-steps", 3, "--ensemble", 2, "--quiet"]
    for name, more in (("alone", []), ("there", ["--ray", "auto"])):
        done = command_line("forecast", data, *few, *more, "--out", tmp_path / name)
        assert done.code == 0, done.err
    for part in ("forecast", "holdout/backtest", "holdout/scores"):
        assert _files(tmp_path / "there" / part) == _files(tmp_path / "alone" / part)
    table = tmp_path / "data" / "0.parquet"
    done = command_line("forecast", table, *few, "--ray", "auto", "--out", tmp_path / "one")
    assert done.code == 2
    assert "--ray needs a directory" in done.err


class _Once:
    """Kills the process that comes to the fourth update first."""

    def __init__(self, folder) -> None:
        self.mark = str(folder / "killed")

    def __call__(self, _: str, progress) -> None:
        if progress.step == 4:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(
    os.environ.get("CARROUSEL_RAY") != "all",
    reason="Ray Train starts a dozen processes: CARROUSEL_RAY=all tries it, too",
)
def test_ray_train_gives_the_numbers_of_one_process_though_a_worker_is_killed(tmp_path):
    few = {"max_steps": 8, "hidden_size": 16, "ensemble": 1, "pretrained_share": 0}
    table, kill = _table(8), _Once(tmp_path)
    there = fit_on_ray(Forecaster(H, **few), table, 2, tmp_path / "run", progress=kill)
    alone = Forecaster(H, **few).fit(table)
    assert os.path.exists(kill.mark)
    for name, value in alone.networks_[0].state_dict().items():
        found = there.networks_[0].state_dict()[name]
        torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5, msg=name)
