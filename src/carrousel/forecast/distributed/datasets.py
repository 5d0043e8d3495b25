"""Ray datasets in, Ray datasets out: whole series in each block, the same numbers as one machine.

Rows are brought together by a hash of the series' name; each block of whole series then goes
to a worker, which holds the model. Nothing of it depends on how many there are, on
their order, or on what else is in a block (see ``network.tiles``).
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...data.read import open_table, require_columns

if TYPE_CHECKING:
    from pyarrow import Table
    from ray.data import Dataset

BLOCK = 32 << 20  # bytes of a block of whole series, about
A_CPU = 4  # blocks at least, so that none waits long for the last


def is_dataset(data: Any) -> bool:
    """Whether it is a ``ray.data.Dataset``; Ray is not imported to find out."""
    ray_data = sys.modules.get("ray.data")
    return ray_data is not None and isinstance(data, ray_data.Dataset)


def on_blocks(
    dataset: "Dataset", id_col: str, work: Callable[["Table"], "Table"], *, in_order: bool = False
) -> "Dataset":
    """``work`` on blocks of whole series, which gives a table for a table.

    Blocks are tasks: a worker that is killed is replaced, and its block is done again. A process
    loads ``work`` with its first block and keeps it for those that follow. (A pool of actors would
    hold processors that the rows still need on their way: on nodes of one processor each the two
    wait for each other for ever.)

    Args:
        dataset: Rows of many series; without a column ``id_col``, all of one.
        id_col: The name of a row's series.
        work: What is done, picklable.
        in_order: Whether rows of one series must stay in the order in which they are read.
    """
    import ray

    if in_order:
        dataset.context.execution_options.preserve_order = True
    cpus = max(int(ray.cluster_resources().get("CPU", 1)), 1)
    named = id_col in (dataset.columns() or ())
    whole = (
        dataset.repartition(_blocks(dataset, cpus), keys=[id_col])
        if named
        else dataset.repartition(1)
    )
    return whole.map_batches(
        OnBlock(ray.put(work)),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
    )


class OnBlock:
    """Does with a block what lies in the store of Ray's objects."""

    def __init__(self, work: Any) -> None:
        self.work = work

    def __call__(self, block: "Table") -> Iterator["Table"]:
        """What becomes of a block; nothing of an empty one."""
        if block.num_rows:
            yield loaded(self.work)(block)


@lru_cache(maxsize=1)
def loaded(reference: Any) -> Any:
    """What lies in the store of Ray's objects, once in a process."""
    import ray

    return ray.get(reference)


def gathered(dataset: "Dataset") -> "Table":
    """All rows in one table on this machine, in the order in which they are read: what a network
    learns from."""
    import pyarrow as pa
    import ray

    dataset.context.execution_options.preserve_order = True
    parts = [part for part in ray.get(dataset.to_arrow_refs()) if part.num_rows]
    if not parts:
        raise ValueError("the dataset has no rows")
    return pa.concat_tables(parts, promote_options="default")


def refuse_tables_elsewhere(**tables: Any) -> None:
    """Tables beside a dataset go to every worker: they must be in memory."""
    for name, table in tables.items():
        if table is not None and (is_dataset(table) or not hasattr(table, "columns")):
            raise TypeError(
                f"{name} beside a Ray dataset must be a data frame in memory, which every worker "
                f"gets, got {type(table).__name__}"
            )


def refuse_groups(groups: object) -> None:
    """Series that share a hidden state cannot be told apart."""
    if groups:
        raise ValueError(
            f"groups={groups!r}: series that share a hidden state are forecast together, on one "
            "machine; give a table in memory"
        )


def of_these(table: Any, id_col: str, names: Sequence[Any]) -> Any:
    """The rows of some series of a frame; all, if they have no names; None for None."""
    import narwhals as nw

    if table is None:
        return None
    frame = nw.from_native(table)
    if id_col not in frame.columns:
        return table
    return frame.filter(nw.col(id_col).is_in(list(names))).to_native()


def require_readable(dataset: "Dataset", options: Any) -> None:
    """Refuse a dataset without the columns of a table, before any worker starts."""
    names = {"time_col": options.time_col, "target_col": options.target_col}
    empty = dataset.schema().base_schema.empty_table()
    require_columns(open_table(empty, (options.id_col, *names.values())), names)


def _blocks(dataset: "Dataset", cpus: int) -> int:
    """How many blocks rows are brought together in: by their size, where it is known without
    reading them, else as many as Ray takes for a shuffle."""
    from ray.data.dataset import MaterializedDataset

    least = A_CPU * cpus
    if isinstance(dataset, MaterializedDataset):
        return max(-(-dataset.size_bytes() // BLOCK), least)
    return max(dataset.context.default_hash_shuffle_parallelism, least)
