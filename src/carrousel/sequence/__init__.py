"""Sequences in, answers out: recurrent networks behind ``fit`` and ``predict``."""

from .classifier import SequenceClassifier
from .transcriber import Transcriber

__all__ = ["SequenceClassifier", "Transcriber"]
