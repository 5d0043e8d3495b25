# What type checkers and editors see of the lazy names in __init__.py; tests/test_types.py compares.
from . import audio as audio
from . import data as data
from . import explain as explain
from . import forecast as forecast
from . import lab as lab
from . import nn as nn
from . import sequence as sequence
from . import text as text
from .adoption import adopt as adopt
from .adoption import adopting as adopting
from .adoption import release as release
from .forecast import Forecaster as Forecaster
from .intervention import intervene as intervene
from .nn import GRU as GRU
from .nn import LSTM as LSTM
from .nn import RNN as RNN
from .nn import SLSTM as SLSTM
from .nn import GRUCell as GRUCell
from .nn import LSTMCell as LSTMCell
from .nn import MinGRU as MinGRU
from .nn import MinLSTM as MinLSTM
from .nn import RNNCell as RNNCell
from .quantization import quantize as quantize
from .record import load_trace as load_trace
from .sequence import SequenceClassifier as SequenceClassifier
from .sequence import SequenceRegressor as SequenceRegressor
from .sequence import SequenceTagger as SequenceTagger
from .sequence import Transcriber as Transcriber
from .text import LanguageModel as LanguageModel
from .tracing import trace as trace
from .web.frame import show as show

__version__: str
__all__: list[str]
