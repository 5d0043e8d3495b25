"""One step of one cell, operation by operation, from any weights."""

from .operations import Operation, Step, step
from .weights import Weights

__all__ = ["Operation", "Step", "Weights", "step"]
