"""Forecasting many series with one recurrent network."""

from .distribution import QUANTILES
from .forecaster import Forecaster
from .options import Options

__all__ = ["QUANTILES", "Forecaster", "Options"]
