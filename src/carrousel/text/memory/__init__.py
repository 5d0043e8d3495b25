"""What a language model keeps of each word of a sentence, and for how long."""

from .analysis import Memory, Options, memory

__all__ = ["Memory", "Options", "memory"]
