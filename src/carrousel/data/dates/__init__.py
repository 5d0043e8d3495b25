"""Times written as text or as whole numbers.

polars knows the calendar and reads ISO text; what is here says where the year, month and day
stand. All cells of a column are of one form and one order. Where two orders read every cell, the
one that gives regular times is meant; if both do, or none, the column is refused.
"""

from .fields import days_of
from .forms import Form, looks_like_date
from .plausible import refuse_far_off
from .text import parse_dates
from .whole import parse_whole

__all__ = ["Form", "days_of", "looks_like_date", "parse_dates", "parse_whole", "refuse_far_off"]
