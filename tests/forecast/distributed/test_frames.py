"""Dask and Spark frames: the numbers of one machine."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from carrousel import Forecaster

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of fugue, Dask and Spark about each other
]
INSTALL = (  # its requirements want pandas below 3; it runs with 3, too
    "fugue is not installed: pip install 'carrousel[fugue]', or, to keep pandas 3, "
    "pip install 'dask[dataframe,distributed]' and pip install --no-deps fugue triad adagio"
)
NUMBERS = ["carrousel", "carrousel-lo-80", "carrousel-hi-80"]


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.concat(
        pd.DataFrame(
            {
                "unique_id": f"s{s}",
                "ds": pd.date_range("2020-01-01", periods=40 + s, freq="D"),
                "y": 10.0 + s + rng.normal(size=40 + s),
            }
        )
        for s in range(9)
    )


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    return Forecaster(3, max_steps=3, ensemble=1, hidden_size=16).fit(_table())


def _require_equal(found: pd.DataFrame, forecaster: Forecaster) -> None:
    table = forecaster.predict(_table(), level=[80])
    found, wanted = (
        one.sort_values(["unique_id", "ds"]).reset_index(drop=True) for one in (found, table)
    )
    assert found.columns.tolist() == wanted.columns.tolist()
    assert found["unique_id"].tolist() == wanted["unique_id"].tolist()
    assert pd.to_datetime(found["ds"]).tolist() == wanted["ds"].tolist()
    assert (found[NUMBERS].to_numpy(float) == wanted[NUMBERS].to_numpy()).all()


def _mixed() -> pd.DataFrame:
    """The rows in no order."""
    return _table().sample(frac=1, random_state=1).reset_index(drop=True)


def test_a_dask_frame_is_forecast_as_on_one_machine(fitted):
    pytest.importorskip("fugue_dask", reason=INSTALL)
    import dask.dataframe as dd
    from distributed import Client

    frame = dd.from_pandas(_mixed(), npartitions=3, sort=False)
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None):
        found = fitted.predict(frame, level=[80])
        assert type(found) is type(frame)
        _require_equal(found.compute(), fitted)


def test_a_spark_frame_is_forecast_as_on_one_machine(fitted, monkeypatch):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    pytest.importorskip("fugue_spark", reason=INSTALL)
    if shutil.which("java") is None:
        pytest.skip("there is no Java, which Spark needs")
    builder = sql.SparkSession.builder.master("local[1]")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = builder.config("spark.sql.shuffle.partitions", 2)
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    try:
        frame = spark.createDataFrame(_mixed()).repartition(3)
        found = fitted.predict(frame, level=[80])
        assert isinstance(found, sql.DataFrame)
        _require_equal(found.toPandas(), fitted)
    finally:
        spark.stop()
