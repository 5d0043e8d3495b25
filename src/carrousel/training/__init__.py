"""The one training loop: of forecasters, language models and the laboratory."""

from .loop import Progress, Run, TrainOptions, fit

__all__ = ["Progress", "Run", "TrainOptions", "fit"]
