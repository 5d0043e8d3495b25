"""Features of texts: words, pairs of words, and the parts of words.

Each is weighed by how often it is in a text and how few texts have it (tf-idf); the vectors of
words and of their parts have the length 1 each.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn

from ...limits import whole
from ...storage.plain import typed
from ..ragged import Ragged
from .ridge import Sparse, sparse_ridge

PARTS = range(2, 6)  # bytes in a part of a word, with the blanks around it
LEARNED = 2_000_000  # tokens that are learned from at most
AT_ONCE = 1 << 19  # tokens that are read at once
MOST = 200_000  # features; those in most texts are kept
KINDS = 2


class NGrams(nn.Module):
    """What ``learn`` found in texts, and how much of it is in others.

    Attributes:
        keys: (p,) what a feature is known by: 32 bits of a digest, the kind in the bit above.
        rarity: (p,) logarithm of the inverse of the share of texts that have it.
    """

    keys: Tensor
    rarity: Tensor

    def __init__(self, width: int, tokenizer: Any) -> None:
        super().__init__()
        self.width, self.tokenizer = width, tokenizer
        self.sizes = {"width": width}
        self.register_buffer("keys", torch.zeros(width, dtype=torch.int64))
        self.register_buffer("rarity", torch.zeros(width))

    @classmethod
    def learn(cls, batch: Ragged, tokenizer: Any) -> "NGrams":
        """The features that more than one text has (of a few texts: all)."""
        texts = texts_of(batch[_few_enough(batch)], tokenizer)
        found = [np.unique(keys) for keys in grams(texts)]
        keys, counts = np.unique(np.concatenate(found), return_counts=True)
        least = 2 if len(texts) > 50 else 1
        kept = np.flatnonzero(counts >= least)
        if len(kept) > MOST:
            kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:MOST]])
        made = cls(max(len(kept), 1), tokenizer)
        if len(kept):
            made.keys.copy_(torch.from_numpy(keys[kept]))
            share = (1 + len(texts)) / (1 + counts[kept])
            made.rarity.copy_(torch.from_numpy(np.log(share) + 1))
        return made

    @classmethod
    def sized(cls, data: dict[str, Any], tokenizer: Any) -> "NGrams":
        """One whose numbers are read next; ``data`` is what ``sizes`` was.

        Raises:
            ValueError: There is no such one.
        """
        if data.keys() != {"width"}:
            raise ValueError("companion must have a width")
        whole("companion.width", typed(data["width"], int, "companion.width"))
        return cls(data["width"], tokenizer)

    def check(self) -> None:
        """Refuse keys from a file that cannot be searched in.

        Raises:
            ValueError: They are not in ascending order.
        """
        if bool((self.keys[1:] <= self.keys[:-1]).any()):
            raise ValueError("companion.keys must ascend")

    def solve(
        self, batch: Ragged, targets: Tensor, parts: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Weight and offset of a ridge regression, and of each part what is said of it by one that
        did not learn from it."""
        which = _few_enough(batch)
        features, targets, left_out = self.sparse(batch[which]), targets[which], []
        for part in parts:
            kept = ~torch.isin(which, part)
            weight, offset = sparse_ridge(features[kept], targets[kept])
            left_out.append((self.times(batch[part], weight) + offset).double())
        return *sparse_ridge(features, targets), left_out

    def times(self, batch: Ragged, weight: Tensor) -> Tensor:
        """(B, K) from weights (width, K)."""
        return torch.cat([self.sparse(one).times(weight) for one in batch.portions(AT_ONCE)])

    def sparse(self, batch: Ragged) -> Sparse:
        """What of the learned features is in texts."""
        texts = texts_of(batch, self.tokenizer)
        keys = self.keys.numpy()
        index, value, owner = [], [], []
        for number, found in enumerate(grams(texts)):
            distinct, counts = np.unique(found, return_counts=True)
            place = np.searchsorted(keys, distinct).clip(max=len(keys) - 1)
            known = keys[place] == distinct
            place, kind = place[known], distinct[known] >> 32
            weight = (1 + np.log(counts[known])) * self.rarity.numpy()[place]
            square = np.bincount(kind, weight**2, KINDS)
            index.append(place)
            value.append(weight / np.sqrt(square[kind]).clip(min=1e-12))
            owner.append(np.full(len(place), number))
        return Sparse(
            torch.from_numpy(np.concatenate(index)),
            torch.from_numpy(np.concatenate(value)).float(),
            torch.from_numpy(np.concatenate(owner)), len(texts), self.width,
        )  # fmt: skip


def _few_enough(batch: Ragged) -> Tensor:
    """The numbers of texts that can be learned from: all, or as many as have so many tokens."""
    if len(batch.rows) <= LEARNED:
        return torch.arange(len(batch))
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(0))
    fits = batch.lengths[order].cumsum(0) <= LEARNED
    fits[:1] = True
    return order[fits].sort().values


def grams(texts: Iterable[bytes]) -> Iterable[np.ndarray]:
    """Of each text the keys of all that is in it, as often as it is.

    >>> [len(keys) for keys in grams([b"a", b"a bc"])]
    [4, 12]
    """
    known: dict[bytes, tuple[int, np.ndarray]] = {}
    for text in texts:
        words = text.lower().split()
        for word in words:
            if word not in known:
                known[word] = crc32(word), _parts(word)
        single = np.array([known[word][0] for word in words], np.int64)
        pairs = (single[:-1] * 1_000_003 + single[1:]) * 2_654_435_761 >> 16 & 0xFFFFFFFF
        parts = [known[word][1] for word in words]
        yield np.concatenate([single, pairs, *parts])


def _parts(word: bytes) -> np.ndarray:
    padded = b" " + word + b" "
    found = [
        crc32(padded[k : k + size]) | 1 << 32
        for size in PARTS
        for k in range(len(padded) - size + 1)
    ]
    return np.array(found, np.int64)


def texts_of(batch: Ragged, tokenizer: Any) -> list[bytes]:
    """The texts that rows of tokens stand for."""
    spelled = tokenizer.spelled
    return [b"".join([spelled[token] for token in part.tolist()]) for part in batch.parts()]
