"""What recurrent layers did in one forward pass: records, tables and files of them."""

from carrousel.record.collection import Records, load_trace
from carrousel.record.record import Info, Record

__all__ = ["Info", "Record", "Records", "load_trace"]
