"""Series that need not fit in memory: scanned once, then mapped from a file of numbers.

``Source`` is what is scanned (a directory of Parquet files, a glob, a lazy frame), ``Store`` what
it becomes: values one after the other in a file that is mapped into memory, and whole series in
*blocks* whose order depends on nothing but their names. ``open_store`` leads from the one to the
other.
"""

from .build import open_store
from .past import earlier
from .source import Source, is_source
from .store import Store

__all__ = ["Source", "Store", "earlier", "is_source", "open_store"]
