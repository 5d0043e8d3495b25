"""How good forecasts would have been: windows of the past, simple methods beside ours, scores."""

from .evaluation import Evaluation
from .metrics import METRICS, Metric
from .simple_methods import SIMPLE_METHODS, SimpleMethod

__all__ = ["METRICS", "SIMPLE_METHODS", "Evaluation", "Metric", "SimpleMethod"]
