"""Series in, tidy panels out."""

from .build import to_panel
from .frames import to_frame
from .frequency import Frequency
from .panel import Panel

__all__ = ["Frequency", "Panel", "to_frame", "to_panel"]
