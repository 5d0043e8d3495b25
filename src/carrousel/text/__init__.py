"""Language models that one can see through."""

from ..tokenizers.tokenizer import Tokenizer
from .language_model import LanguageModel
from .options import Options

__all__ = ["LanguageModel", "Options", "Tokenizer"]
