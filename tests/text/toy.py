"""A language model small enough to check by hand: words split at spaces, an embedding, a layer."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

VOCABULARY = ["\n", "un", "le", "et", "mangé", "vu", "hamburger", "chat", "soir", "."]


class Network(nn.Module):
    def __init__(self, layer: nn.RNNBase, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, layer.input_size)
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size, size)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.layer(self.embedding(tokens).transpose(0, 1))[0]).transpose(0, 1)


class Toy:
    """``Readable`` and ``Followable`` for texts made of ``vocabulary``, words apart by a space."""

    def __init__(self, layer: nn.RNNBase, vocabulary: Sequence[str] = VOCABULARY, seed: int = 0):
        self.vocabulary = list(vocabulary)
        self.module = Network(layer, len(self.vocabulary))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.module.parameters():
                parameter.normal_(generator=generator)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        found, end = [(0, 0)], 0
        for word in text.split():
            end = text.index(word, end) + len(word)
            found.append(
                (self.vocabulary.index(word if word in self.vocabulary else word.lower()), end)
            )
        return found

    def text(self, tokens: Sequence[int]) -> str:
        return " ".join(self.vocabulary[token] for token in tokens)

    def logits(self, tokens: Tensor) -> Tensor:
        return self.module(tokens)

    def states(self, tokens: Sequence[int]) -> Tensor:
        with torch.no_grad():
            embedded = self.module.embedding(torch.tensor(tokens))[:, None]
            return self.module.layer(embedded)[0]

    def untrained(self, seed: int) -> "Toy":
        other = copy.copy(self)
        other.module = copy.deepcopy(self.module)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in other.module.parameters():
                parameter.normal_(generator=generator)
        return other
