"""Sequences in, answers out: recurrent networks behind ``fit`` and ``predict``."""

from .classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]
