"""A sentence as a language model's network reads it."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .network import PageNetwork
from .words import split_words

SHOWN = 10  # next words in an answer


@dataclass(frozen=True)
class Sentence:
    """Tokens, the sign for a beginning first."""

    vocab: list[str]
    steps: list[str]
    inputs: Tensor  # (T,) int64

    @classmethod
    def of(cls, page: dict[str, Any], text: str) -> "Sentence":
        words, meta, vocab = split_words(text), page["meta"], page["vocab"]
        if not words:
            raise ValueError("text holds no word")
        index = {word: k for k, word in enumerate(vocab)}
        tokens = [meta["begin"], *(index.get(word, meta["unknown"]) for word in words)]
        return cls(vocab, [vocab[meta["begin"]], *words], torch.tensor(tokens))

    def answer(self, output: Tensor) -> dict[str, Any]:
        chances = output.softmax(-1).topk(min(SHOWN, len(self.vocab)))
        pairs = zip(chances.indices.tolist(), chances.values.tolist(), strict=True)
        return {"next": [{"word": self.vocab[k], "probability": p} for k, p in pairs]}

    def reader(
        self, network: PageNetwork, output: Tensor, target: str | None
    ) -> tuple[Tensor, str]:
        """The word's row of the head less the mean row: a logit counts only beside the others."""
        if target is None:
            token = int(output.argmax())
        elif target in self.vocab:
            token = self.vocab.index(target)
        else:
            raise ValueError(f"target {target!r} is not a word that the model knows")
        assert network.head is not None
        weight = network.head.weight.detach()
        return weight[token] - weight.mean(0), self.vocab[token]
