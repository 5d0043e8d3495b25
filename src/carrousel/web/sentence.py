"""A sentence as a language model's network reads it."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .language import tokenizer_of
from .network import PageNetwork

SHOWN = 10  # next words in an answer


@dataclass(frozen=True)
class Sentence:
    """Tokens, that of the beginning of a line first; what is ``left`` of the text is read no more:
    the next token begins with it (see ``Tokenizer.split_end``)."""

    vocab: list[str]
    steps: list[str]
    inputs: Tensor  # (T,) int64
    left: str

    @classmethod
    def of(cls, page: dict[str, Any], text: str) -> "Sentence":
        tokenizer, vocab = tokenizer_of(page), page["vocab"]
        if not text.strip():
            raise ValueError("text holds no word")
        read, left = tokenizer.split_end(text)
        tokens = [tokenizer.begin, *tokenizer.read(read)[0].tolist()]
        return cls(vocab, [vocab[token] for token in tokens], torch.tensor(tokens), left)

    def answer(self, output: Tensor) -> dict[str, Any]:
        allowed = torch.tensor([token.startswith(self.left) for token in self.vocab])
        scores = output.masked_fill(~allowed, -torch.inf)
        chances = scores.softmax(-1).topk(min(SHOWN, int(allowed.sum())))
        pairs = zip(chances.indices.tolist(), chances.values.tolist(), strict=True)
        return {"next": [{"token": self.vocab[k], "probability": p} for k, p in pairs]}

    def reader(
        self, network: PageNetwork, output: Tensor, at: int, target: str | None
    ) -> tuple[Tensor, str]:
        """The token's row of the head less the mean row: a score counts only beside the others."""
        if target is None:
            token = int(output.argmax())
        else:
            found = [k for k, known in enumerate(self.vocab) if target in (known, known.strip())]
            if not found:
                raise ValueError(f"target must be a token that the model knows, got {target!r}")
            token = found[0]
        assert network.head is not None
        weight = network.head.weight.detach()
        return weight[token] - weight.mean(0), self.vocab[token]
