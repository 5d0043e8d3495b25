"""Forecasting many series with one recurrent network."""

from .evaluation import Evaluation
from .forecaster import Forecaster
from .network.distribution import QUANTILES
from .options import Options
from .pretrained.pretrained import Pretrained

__all__ = ["QUANTILES", "Evaluation", "Forecaster", "Options", "Pretrained"]
