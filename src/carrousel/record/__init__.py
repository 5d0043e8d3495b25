"""What recurrent layers did in one forward pass: records, tables and files of them."""

from .collection import Records, load_trace
from .record import Info, Record

__all__ = ["Info", "Record", "Records", "load_trace"]
