"""Series in, tidy panels out."""

from .build import to_panel
from .frames import to_frame
from .frequency import Frequency
from .panel import Panel
from .reading import ReadOptions
from .samples import find_sample, list_samples, load_sample

__all__ = [
    "Frequency",
    "Panel",
    "ReadOptions",
    "find_sample",
    "list_samples",
    "load_sample",
    "to_frame",
    "to_panel",
]
