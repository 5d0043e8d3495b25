"""RNN, LSTM and GRU with torch.nn's parameters, shapes and errors."""

from torch import nn


class RNN(nn.RNN):
    pass


class LSTM(nn.LSTM):
    pass


class GRU(nn.GRU):
    pass


class RNNCell(nn.RNNCell):
    pass


class LSTMCell(nn.LSTMCell):
    pass


class GRUCell(nn.GRUCell):
    pass
