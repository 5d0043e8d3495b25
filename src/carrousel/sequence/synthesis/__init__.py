"""Words in, sound out: a recurrent network that says what it has heard."""

from .voice import Voice

__all__ = ["Voice"]
