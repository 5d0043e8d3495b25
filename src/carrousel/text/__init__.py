"""Language models that one can see through."""

from .model import LanguageModel
from .options import Options
from .tokenizer import Tokenizer

__all__ = ["LanguageModel", "Options", "Tokenizer"]
