"""How a training is shown while it runs."""

from ..console import training_bar

__all__ = ["training_bar"]
