"""Language models that one can see through."""

from .language_model import LanguageModel
from .options import Options
from .tokenizers.tokenizer import Tokenizer

__all__ = ["LanguageModel", "Options", "Tokenizer"]
