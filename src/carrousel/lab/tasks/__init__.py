"""The tasks: sources of sequences with a loss, a criterion of success and a memoryless baseline."""

from .adding import Adding
from .base import Batch, Criterion, Task
from .copying import Copy
from .latest import Latest
from .order import TemporalOrder
from .reber import Reber
from .recall import Recall

__all__ = [
    "Adding",
    "Batch",
    "Copy",
    "Criterion",
    "Latest",
    "Reber",
    "Recall",
    "Task",
    "TemporalOrder",
]
