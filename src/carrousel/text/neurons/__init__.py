"""What single units of a language model follow in a text."""

from .analysis import neurons

__all__ = ["neurons"]
