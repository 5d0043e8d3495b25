"""The network that speaks: a word, a speaker and a place in the word in, a log-mel frame out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ...nn import LSTM
from ..ragged import Ragged

WAVES = 4  # of which the place in a word is told by sine and cosine, beside itself


@dataclass(frozen=True)
class Shape:
    """Everything that fixes the parameters; saved beside them."""

    words: int
    speakers: int
    bands: int
    hidden: int = 96
    embedding: int = 32


class SpeakingNetwork(nn.Module):
    """Frames of words that are as long as one says, and how long they are usually.

    An LSTM reads every step of a word in both directions: what a frame sounds like depends on what
    comes before and after it.
    """

    mean: Tensor
    scale: Tensor
    usual: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.words, shape.embedding)
        self.speakers = nn.Embedding(shape.speakers, shape.embedding)
        self.lengths = nn.Linear(2 * shape.embedding, 1)
        inputs = 2 * shape.embedding + 2 + 2 * WAVES
        self.layer = LSTM(inputs, shape.hidden, bidirectional=True)
        self.frame = nn.Linear(2 * shape.hidden, shape.bands)
        self.register_buffer("mean", torch.zeros(shape.bands))
        self.register_buffer("scale", torch.ones(shape.bands))
        self.register_buffer("usual", torch.zeros(()))  # logarithm of the usual length

    def forward(self, words: Tensor, speakers: Tensor, lengths: Tensor) -> tuple[Ragged, Tensor]:
        """Frames (N, bands) of words (B,) by speakers (B,) that take ``lengths`` (B,) steps, and
        the logarithms of the lengths that they usually have (B,)."""
        who = torch.cat([self.words(words), self.speakers(speakers)], 1)  # (B, 2 E)
        batch = Ragged(torch.zeros(int(lengths.sum())), lengths)
        place = _places(batch)
        inputs = torch.cat([who[batch.owner], place], 1)
        packing = batch.packing
        packed = PackedSequence(inputs.index_select(0, packing.into), packing.batch_sizes)
        rows = self.layer(packed)[0].data.index_select(0, packing.back)
        frames = self.frame(rows) * self.scale + self.mean
        return batch.like(frames), self.lengths(who)[:, 0] + self.usual


def _places(batch: Ragged) -> Tensor:
    """(N, 2 + 2 WAVES): where in its word each step is, from 0 to 1, and how long the word is."""
    step = torch.arange(len(batch.rows)) - batch.starts[batch.owner]
    length = batch.lengths[batch.owner]
    share = (step + 0.5) / length
    angle = torch.pi * share[:, None] * torch.arange(1, WAVES + 1)
    return torch.cat([share[:, None], (length / 50)[:, None], angle.sin(), angle.cos()], 1)
