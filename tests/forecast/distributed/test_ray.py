"""Forecasts and trainings on a Ray cluster of two nodes: the numbers of one machine."""

import logging
import os

import numpy as np
import polars as pl
import pytest

from carrousel import Forecaster

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install carrousel[ray]")
pytestmark = [
    pytest.mark.filterwarnings("ignore:::ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
H = 3
STORE = 200 << 20  # bytes of memory that a node shares


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_DEDUP_LOGS"] = "0"
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
