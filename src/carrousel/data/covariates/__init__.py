"""Columns beside the values: read from the same table, put in the places of a panel.

A panel's ``exog`` holds what is known ahead (columns of the table, then the calendar, then
holidays), then what is known of the past only.
"""

from .ahead import future, open_ahead
from .categories import column_values, strangers
from .columns import from_times, places, require_columns
from .groups import group_codes, refuse_apart
from .join import attach, filled_forward
from .spec import Spec, learning_on, refuse_other_kinds

__all__ = [
    "Spec",
    "attach",
    "column_values",
    "filled_forward",
    "from_times",
    "future",
    "group_codes",
    "learning_on",
    "open_ahead",
    "places",
    "refuse_apart",
    "refuse_other_kinds",
    "require_columns",
    "strangers",
]
