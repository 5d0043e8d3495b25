"""Dask and Spark frames in, the same out, by way of fugue: whole series in each partition."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..intervals.calibration import MODEL
from .datasets import refuse_groups, refuse_tables_elsewhere
from .work import Predict

if TYPE_CHECKING:
    from pyarrow import Table

KINDS = ("dask", "pyspark")


def is_partitioned(data: Any) -> bool:
    """Whether it is a Dask or a Spark frame; neither is imported to find out."""
    return type(data).__module__.partition(".")[0] in KINDS and hasattr(data, "columns")


def predict(forecaster: Any, frame: Any, level: Sequence[float], X_df: Any, static_df: Any) -> Any:
    """The forecasts of a fitted forecaster, of every series in a Dask or Spark frame.

    Rows are brought together by a hash of the series' name, and partitions of many series are
    forecast where they are, when the result is asked for.

    Raises:
        ImportError: fugue is not installed.
    """
    try:
        import fugue.api as fugue
        from fugue import PartitionSpec
    except ImportError:
        raise ImportError(
            "forecasts of Dask and Spark frames need the library fugue: pip install "
            "'carrousel[fugue]'; or give a frame in memory"
        ) from None
    options = forecaster.options
    refuse_groups(options.groups)
    refuse_tables_elsewhere(X_df=X_df, static_df=static_df)
    work = Predict(forecaster.without_series(), tuple(level), X_df, static_df)
    schema = _schema(fugue.get_schema(frame), options, level)
    empty = schema.create_empty_arrow_table()

    def forecast(part: "Table") -> "Table":
        return work(part).cast(empty.schema) if part.num_rows else empty

    forecast.__annotations__ = {"part": type(empty), "return": type(empty)}
    named = options.id_col in schema
    by = {"by": [options.id_col], "algo": "hash"} if named else {"num": 1}
    whole = fugue.repartition(frame, PartitionSpec(by))
    return fugue.transform(whole, forecast, schema=schema)


def _schema(read: Any, options: Any, level: Sequence[float]) -> Any:
    """Of the forecasts: names and times as they came, and numbers."""
    import pyarrow as pa
    from triad import Schema

    ends = [f"{MODEL}-{end}-{name:g}" for name in level for end in ("lo", "hi")]
    kept = [name for name in (options.id_col, options.time_col) if name in read]
    types = {name: read[name].type for name in kept}
    return Schema({**types, **{name: pa.float64() for name in (MODEL, *ends)}})
