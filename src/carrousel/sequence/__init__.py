"""Sequences in, answers out: recurrent networks behind ``fit`` and ``predict``."""

from .classifier import SequenceClassifier
from .inputs.dataset import Dataset
from .inputs.tables import read_folder, read_table, read_texts
from .inputs.ts_files import read_ts
from .inputs.wide_files import read_wide
from .regressor import SequenceRegressor
from .tagger import SequenceTagger
from .transcriber import Transcriber

__all__ = [
    "Dataset",
    "SequenceClassifier",
    "SequenceRegressor",
    "SequenceTagger",
    "Transcriber",
    "read_folder",
    "read_table",
    "read_texts",
    "read_ts",
    "read_wide",
]
