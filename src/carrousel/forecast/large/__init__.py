"""More series than memory: forecasts and evaluations block by block, into folders that can be
resumed. What holds the series is ``carrousel.data.store``."""

from .blocks import Predicts, forecast_tables
from .results import Results
from .run import Summary, forecast_store, run_blocks

__all__ = ["Predicts", "Results", "Summary", "forecast_store", "forecast_tables", "run_blocks"]
