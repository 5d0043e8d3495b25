"""Forecasting many series with one recurrent network."""

from .distribution import QUANTILES
from .evaluation import Evaluation
from .forecaster import Forecaster
from .options import Options
from .pretrained.pretrained import Pretrained

__all__ = ["QUANTILES", "Evaluation", "Forecaster", "Options", "Pretrained"]
