"""Forecasting many series with one recurrent network."""

from .forecaster import Forecaster
from .model import QUANTILES
from .options import Options

__all__ = ["QUANTILES", "Forecaster", "Options"]
