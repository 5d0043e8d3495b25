"""The likeliest next words of a model whose tokens may be pieces of words."""

import heapq
from collections.abc import Sequence

import torch

from carrousel.explain.asking import evaluated
from carrousel.text.reading import Readable

_BRANCHES = 20  # of each beginning: likelier tokens than these are not looked at


def next_words(model: Readable, prefix: str, k: int = 10) -> list[tuple[str, float]]:
    """The ``k`` likeliest words after ``prefix``, with their probabilities.

    A word's probability is that of its tokens, times that of the next token beginning something
    new. Beginnings of words are opened best first, so that what is found is in order; of each, the
    20 likeliest tokens are tried, so that a very rare word may be missed. Punctuation counts as a
    word, and so does the end of the line, "\\n".

    Raises ``ValueError`` for ``k`` below 1.
    """
    if k < 1:
        raise ValueError(f"k={k} must be at least 1")
    start = [token for token, _ in model.pieces(prefix)]
    search = _Search(model, start)
    found: dict[str, float] = {}
    with torch.no_grad(), evaluated(model.module):
        while len(found) < k and search.heap:
            cost, whole, tokens = heapq.heappop(search.heap)
            if whole:
                word = model.text(tokens).lstrip(" ")
                found[word] = found.get(word, 0.0) - cost
            else:
                search.open(-cost, tokens)
    return sorted(found.items(), key=lambda pair: -pair[1])


class _Search:
    """Beginnings of words by probability; ``whole``: nothing more belongs to the word."""

    def __init__(self, model: Readable, start: Sequence[int]) -> None:
        self.model, self.start = model, list(start)
        self.heap: list[tuple[float, bool, tuple[int, ...]]] = [(-1.0, False, ())]
        self._continues: torch.Tensor | None = None

    def open(self, chance: float, tokens: tuple[int, ...]) -> None:
        scores = self.model.logits(torch.tensor([[*self.start, *tokens]]))[0, -1].float()
        chances = scores.softmax(-1)
        text = self.model.text(tokens).lstrip(" ")
        if text:
            if not text[-1].isalpha():  # a mark, or an elision: its end is its own
                heapq.heappush(self.heap, (-chance, True, tokens))
                return
            inside = self._inside(len(chances))
            ends = float(chances[~inside].sum())
            heapq.heappush(self.heap, (-chance * ends, True, tokens))
            chances = chances.where(inside, torch.zeros(()))
        best = chances.topk(min(_BRANCHES, len(chances)))
        for token, value in zip(best.indices.tolist(), best.values.tolist(), strict=True):
            if value > 0:
                heapq.heappush(self.heap, (-chance * value, False, (*tokens, token)))

    def _inside(self, count: int) -> torch.Tensor:
        """(V,) bool: tokens that go on with a word: a letter, an apostrophe, a byte of either."""
        if self._continues is None:
            firsts = (self.model.text([token])[:1] for token in range(count))
            self._continues = torch.tensor([c.isalpha() or c in "'’\ufffd" for c in firsts])
        return self._continues
