"""Made-up series: to learn from beside real ones that are few, and to learn from before any."""

from .matched import intermittent, most_alike, synthetic_series
from .mixture import FAMILIES, made_up

__all__ = ["FAMILIES", "intermittent", "made_up", "most_alike", "synthetic_series"]
