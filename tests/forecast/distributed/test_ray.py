"""Forecasts and trainings on a Ray cluster of two nodes: the numbers of one machine."""

import contextlib
import fcntl
import gc
import logging
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.data.store import store
from carrousel.forecast.distributed import cluster as clusters
from carrousel.forecast.distributed import doors, fit_on_ray, fit_together, on_ray
from carrousel.forecast.distributed.datasets import on_blocks
from carrousel.forecast.distributed.work import Backtest
from carrousel.forecast.ensemble.training import TRAINER, Members
from carrousel.forecast.large.run import RUNNER

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install carrousel[ray]")
pytestmark = [
    pytest.mark.filterwarnings("ignore:::ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
H = 3
STORE = 200 << 20  # bytes of memory that a node shares
KEPT = {  # processes that have imported everything wait for the next test; a busy node is not dead
    "num_workers_soft_limit": 4,
    "idle_worker_killing_time_threshold_ms": 1_000_000,
    "health_check_failure_threshold": 100,
}


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
    head = {**node, "include_dashboard": False, "_system_config": KEPT}
    nodes = Cluster(initialize_head=True, head_node_args=head)
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


class _Mortal:
    """Work in whose midst the process dies, the first times that it is done."""

    def __init__(self, work, folder, deaths: int = 1) -> None:
        self.work, self.folder, self.deaths = work, str(folder), deaths

    def __call__(self, block):
        for k in range(self.deaths):
            _die_once(f"{self.folder}/death-{k}")
        return self.work(block)


def _die_once(mark: str) -> None:
    """``kill -9`` of this process, unless the mark is there."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        os.kill(os.getpid(), signal.SIGKILL)


def _deaths(folder) -> int:
    return len(list(folder.glob("death-*")))


@pytest.fixture
def mortal(monkeypatch, tmp_path):
    """Blocks of datasets are done by processes that die."""

    def dying(dataset, id_col, work, **how):
        return on_blocks(dataset, id_col, _Mortal(work, tmp_path), **how)

    monkeypatch.setattr(doors, "on_blocks", dying)


def test_a_dataset_is_forecast_as_on_one_machine_though_workers_are_killed(
    fitted, tmp_path, mortal
):
    """Each in the midst of a block."""
    table = _table(40, seed=5)
    found = fitted.predict(_dataset(table), level=[80])
    assert type(found).__module__.startswith("ray.data")
    assert _sorted(found).equals(_sorted(fitted.predict(table.to_arrow(), level=[80])))
    assert _deaths(tmp_path) == 1


def test_a_dataset_is_forecast_without_learning_as_on_one_machine():
    table = _table(40, seed=6)
    found = Forecaster.pretrained().predict(_dataset(table), h=5)
    assert _sorted(found).equals(_sorted(Forecaster.pretrained().predict(table.to_arrow(), h=5)))


@pytest.mark.parametrize("kind", ["at once", "trained, workers are killed"])
def test_a_backtest_of_a_dataset_is_that_of_one_machine(kind, request, tmp_path):
    if kind != "at once":
        request.getfixturevalue("mortal")
    how = {"effort": "instant"} if kind == "at once" else {"max_steps": 3, "ensemble": 1}
    table = _table(12, seed=7)
    forecaster = Forecaster(H, **how)
    asked = {"windows": 2, "step": 2, "methods": ["naive"]}
    found = forecaster.backtest(ray.data.from_arrow(table.to_arrow()), **asked)
    assert _sorted(found).equals(_sorted(forecaster.backtest(table.to_arrow(), **asked)))
    assert _deaths(tmp_path) == (0 if kind == "at once" else 1)


@dataclass(frozen=True)
class _Members(Members):
    """Trainings of which the second one dies once, after an update."""

    mark: str = ""

    def train(self, member, before=None, progress=None):
        def told(*_) -> None:
            if member == 1:
                _die_once(self.mark)

        return super().train(member, before, told)


@contextlib.contextmanager
def _around(work=None, members=None):
    """``on_ray``, where something stands around the work on blocks or the members of ensembles."""
    with on_ray():
        runner, trainer = RUNNER.get(), TRAINER.get()
        tokens = (
            RUNNER.set(lambda job, todo: runner(
                replace(job, work=work(job.work)) if work else job, todo)),
            TRAINER.set(lambda of, *rest: trainer(members(of) if members else of, *rest)),
        )  # fmt: skip
        try:
            yield
        finally:
            RUNNER.reset(tokens[0])
            TRAINER.reset(tokens[1])


def test_members_of_an_ensemble_are_trained_by_workers_bit_for_bit_though_one_is_killed(tmp_path):
    table, few = _table(8), {"max_steps": 6, "hidden_size": 16, "ensemble": 3}
    alone = Forecaster(H, **few).fit(table)
    told: list[str] = []
    mark = tmp_path / "death-0"
    with _around(members=lambda of: _Members(**vars(of), mark=str(mark))):
        there = Forecaster(H, **few).fit(
            table, progress=lambda name, _: told.append(name), checkpoint=tmp_path / "state"
        )
    assert mark.exists()
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
    files = (one for one in folder.iterdir() if one.is_file() and one.name != "summary.json")
    return {one.name: one.read_bytes() for one in files}


DRIVER = """
import os, signal, sys
from carrousel import Forecaster
from carrousel.data.store import store
from carrousel.forecast.distributed import on_ray
store.TOGETHER = store.MOST_SERIES = 2
model, data, out, cache, address = sys.argv[1:]
def die(done, _):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
with on_ray(address):
    Forecaster.load(model).predict(data, out=out, cache=cache, progress=die)
"""


@pytest.fixture
def small_blocks(monkeypatch):
    for name in ("TOGETHER", "MOST_SERIES"):
        monkeypatch.setattr(store, name, 2)


def _rest(folder) -> set[str]:
    """What is there beside results."""
    return {one.name for one in folder.rglob("*")} - {"summary.json", *_files(folder)}


@pytest.mark.usefixtures("small_blocks")
def test_workers_and_drivers_that_are_killed_lose_and_double_nothing(fitted, tmp_path, cluster):
    """A driver is killed, one is interrupted, and of the third the workers are killed."""
    data, out = _folder(tmp_path / "data", _table(16, seed=9)), tmp_path / "there"
    cache = {"cache": tmp_path / "cache"}
    fitted.predict(data, out=tmp_path / "alone", **cache)
    fitted.save(tmp_path / "model")
    words = (tmp_path / "model", data, out, tmp_path / "cache", cluster.address)
    killed = subprocess.run([sys.executable, "-c", DRIVER, *map(str, words)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with on_ray(), pytest.raises(KeyboardInterrupt):
        fitted.predict(data, out=out, resume=True, progress=_stop_after(1), **cache)
    with _around(work=lambda one: _Mortal(one, tmp_path, deaths=2)):
        done = fitted.predict(data, out=out, resume=True, **cache)
    assert _deaths(tmp_path) == 2
    assert done.resumed >= 3
    assert done.blocks == 8
    assert _files(out) == _files(tmp_path / "alone")
    assert not _rest(out)


@pytest.mark.usefixtures("small_blocks")
def test_a_backtest_of_a_folder_is_that_of_one_machine_though_workers_are_killed(tmp_path):
    data = _folder(tmp_path / "data", _table(8, seed=4))
    forecaster, how = Forecaster(H, effort="instant"), {"cache": tmp_path / "cache", "windows": 2}
    forecaster.backtest(data, out=tmp_path / "alone", **how)
    with _around(work=lambda one: _Mortal(one, tmp_path)):
        done, _ = forecaster.backtest(data, out=tmp_path / "there", **how)
    assert _deaths(tmp_path) == 1
    assert (done.blocks, done.series) == (4, 8)
    for part in (".", "backtest", "scores"):
        assert _files(tmp_path / "there" / part) == _files(tmp_path / "alone" / part)


def _stop_after(count: int):
    def progress(done: int, _: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    return progress


class _Refusing:
    """Work that one series is wrong for."""

    def __init__(self, work) -> None:
        self.work = work

    def __call__(self, panel):
        if "s2" in panel.ids:
            raise ValueError("it has no season")
        return self.work(panel)


@pytest.mark.usefixtures("small_blocks")
def test_what_is_broken_is_refused_or_left_out_by_name(fitted, tmp_path, caplog):
    """A file that cannot be read, a series of text, and one that a worker cannot forecast."""
    table = _table(6, seed=9)
    data = _folder(tmp_path / "data", table)
    (data / "broken.parquet").write_bytes(b"PAR1 no")
    text = table.filter(pl.col("unique_id") == "s4").tail(1).with_columns(y=pl.lit("many"))
    how = {"cache": tmp_path / "cache", "out": tmp_path / "out"}

    def refused(match: str) -> None:
        with _around(work=_Refusing), pytest.raises(ValueError, match=match):
            fitted.predict(data, **how)

    refused(r"broken\.parquet")
    with _around(work=_Refusing):
        text.write_parquet(data / "text.parquet")
        with caplog.at_level(logging.INFO, "carrousel"):
            done = fitted.predict(data, on_error="skip", **how)
    blocks = [line for line in caplog.messages if line.startswith("block=")]
    assert all(re.fullmatch(r"block=\d/3 series=\d rows=\d broken=\d seconds=[\d.]+", line)
               for line in blocks)  # fmt: skip
    assert len(blocks) == done.blocks == 3
    assert "left out: series 's2': it has no season" in caplog.messages
    assert (done.series, done.exit_code, done.status) == (4, 3, "incomplete")
    assert [one.name for one in done.broken] == ["broken.parquet", "s4", "s2"]
    assert "it has no season" in done.broken[2].reason
    found = pl.read_parquet(tmp_path / "out" / "*.parquet")
    whole = table.filter(~pl.col("unique_id").is_in(["s2", "s4"]))
    assert _sorted(found.to_arrow()).equals(_sorted(fitted.predict(whole.to_arrow())))
    how["out"] = tmp_path / "anew"
    (data / "broken.parquet").unlink()
    refused("series 's4': 'y' holds text")
    (data / "text.parquet").unlink()
    refused("it has no season")


def test_what_cannot_be_forecast_elsewhere_says_so(fitted):
    data = ray.data.from_arrow(_table(2).to_arrow())
    with pytest.raises(ValueError, match=r"on_error='skip'.*a directory"):
        fitted.predict(data, on_error="skip")
    with pytest.raises(TypeError, match="call backtest"):
        fitted.evaluate(data)
    with pytest.raises(ValueError, match="there is no column 'y'"):
        fitted.predict(data.drop_columns(["y"]))
    with pytest.raises(ValueError, match="groups=True: series that share a hidden state"):
        Forecaster(H, groups=True).backtest(data)
    with pytest.raises(ValueError, match="connected to a cluster, got 'local'"), on_ray("local"):
        pass


def test_an_address_at_which_nobody_answers_and_a_cluster_that_cannot_work_are_told(monkeypatch):
    with pytest.raises(ConnectionError, match=r"no cluster answers at 127\.0\.0\.1:9"):
        clusters._require_an_answer("127.0.0.1:9")
    with pytest.raises(ValueError, match="ray must be host:port, auto or local, got 'head'"):
        clusters._require_an_answer("head")
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"memory": 1.0})
    with pytest.warns(UserWarning, match="no processors"), on_ray():
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
    (data / "broken.parquet").write_bytes(b"PAR1 no")
    few = ["--horizon", 3, "--max-steps", 3, "--ensemble", 2, "--quiet"]
    done = command_line("forecast", "--ray", data, *few, "--out", tmp_path / "stop")
    assert (done.code, "broken.parquet" in done.err) == (2, True)
    for name, more in (("alone", []), ("there", ["--ray", "auto"])):
        words = (*few, *more, "--on-error", "skip", "--out", tmp_path / name)
        done = command_line("forecast", data, *words)
        assert (done.code, "broken.parquet" in done.err) == (3, False)
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
            _die_once(self.mark)


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
