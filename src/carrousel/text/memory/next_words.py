"""The likeliest next words of a model whose tokens may be pieces of words."""

import heapq
from collections.abc import Sequence

import torch

from ...explain.asking import evaluated
from ...limits import whole
from .sentences import Readable

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
        raise ValueError(f"k must be at least 1, got {k}")
    whole("k", k)
    tokenizer = getattr(model, "tokenizer", None)
    read, left = (prefix, "") if tokenizer is None else tokenizer.split_end(prefix)
    search = _Search(model, [token for token, _ in model.pieces(read)], left)
    found: dict[str, float] = {}
    with torch.no_grad(), evaluated(model.module):
        while len(found) < k and search.heap:
            cost, ended, tokens = heapq.heappop(search.heap)
            if ended:
                word = search.word(tokens)
                found[word] = found.get(word, 0.0) - cost
            else:
                search.open(-cost, tokens)
    return sorted(found.items(), key=lambda pair: -pair[1])


class _Search:
    """Beginnings of words by probability; ``whole``: nothing more belongs to the word."""

    def __init__(self, model: Readable, start: Sequence[int], left: str = "") -> None:
        """``left``: the end of the beginning that the first token has to begin with."""
        self.model, self.start, self.left = model, list(start), left
        self.heap: list[tuple[float, bool, tuple[int, ...]]] = [(-1.0, False, ())]
        self._continues: torch.Tensor | None = None

    def open(self, chance: float, tokens: tuple[int, ...]) -> None:
        scores = self.model.logits(torch.tensor([[*self.start, *tokens]]))[0, -1].float()
        if self.left and not tokens:
            other = [not self._goes_on(token) for token in range(len(scores))]
            scores[torch.tensor(other)] = -torch.inf
        chances = scores.softmax(-1)
        text = self.word(tokens)
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

    def word(self, tokens: Sequence[int]) -> str:
        """What the tokens spell after the beginning, without spaces before it."""
        return self.model.text(tokens).removeprefix(self.left).lstrip(" ")

    def _goes_on(self, token: int) -> bool:
        return self.model.text([token]).startswith(self.left)

    def _inside(self, count: int) -> torch.Tensor:
        """(V,) bool: tokens that go on with a word: a letter, an apostrophe, a byte of either."""
        if self._continues is None:
            firsts = (self.model.text([token])[:1] for token in range(count))
            self._continues = torch.tensor([c.isalpha() or c in "'’\ufffd" for c in firsts])
        return self._continues
