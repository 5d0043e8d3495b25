"""Texts as ragged rows of tokens, by the tokenizers of the language models."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from ...storage.plain import typed
from ...tokenizers.kinds import learn_tokenizer, tokenizer_from_dict
from ...tokenizers.tokenizer import LEVELS, Tokenizer
from ...tokenizers.words import WordTokenizer
from ...wording import one_of
from ..companion.ngrams import NGrams
from ..ragged import Ragged
from .vectors import Vectors, read_vectors

WIDTH = 100  # numbers that stand for a token, where nothing is said
KNOWN = 20_000  # of the words of pretrained vectors: those that come first are the most frequent


class TextReader:
    """A list of texts as rows of tokens (N,), int64."""

    kind: ClassVar[str] = "texts"

    def __init__(self, tokenizer: Tokenizer, width: int, vectors: Vectors | None = None) -> None:
        self.tokenizer, self.width, self.vectors = tokenizer, width, vectors

    @staticmethod
    def recognizes(X: Any) -> bool:
        """Whether it holds texts."""
        if isinstance(X, (str, Mapping)) or hasattr(X, "columns") or not hasattr(X, "__iter__"):
            return False
        if isinstance(X, np.ndarray) and X.ndim != 1:
            return False
        return hasattr(X, "__len__") and len(X) > 0 and isinstance(next(iter(X)), str)

    @classmethod
    def learn(cls, X: Any, options: Any) -> tuple["TextReader", Ragged]:
        """The reader of all that there is to learn from, and what it reads of it."""
        one_of("level", options.level, LEVELS)
        texts = _texts(X)
        tokenizer = learn_tokenizer(options.level, iter(texts), options.vocabulary, True)
        vectors, width = None, options.embedding_size or WIDTH
        if options.vectors is not None:
            if not isinstance(tokenizer, WordTokenizer):
                raise ValueError(
                    f"vectors must be of words: give level='word', not {options.level!r}"
                )
            vectors = read_vectors(
                options.vectors, {word.strip() for word in tokenizer.words}, KNOWN
            )
            if options.embedding_size not in (None, vectors.width):
                raise ValueError(
                    f"embedding_size must be that of vectors, {vectors.width}, got "
                    f"{options.embedding_size}"
                )
            tokenizer, width = _with_words(tokenizer, vectors), vectors.width
        reader = cls(tokenizer, width, vectors)
        return reader, reader._rows(texts)

    def read(self, X: Any) -> Ragged:
        """Other texts; a word that was never learned is spelled.

        Raises:
            TypeError: They are no texts.
            ValueError: One is empty.
        """
        return self._rows(_texts(X))

    def sizes(self) -> dict[str, Any]:
        """The fields of the network's shape that inputs decide."""
        return {"tokens": len(self.tokenizer), "embedding": self.width}

    def prepare(self, network: nn.Module, inputs: Ragged) -> None:
        """Give a new network the vectors of the words that have one."""
        if self.vectors is None:
            return
        weight: Any = network.get_parameter("entry.embedding.weight")
        with torch.no_grad():
            for token, spelled in enumerate(self.tokenizer.spelled):
                vector = self.vectors.of(spelled.decode(errors="replace").strip())
                if vector is not None:
                    weight[token] = torch.from_numpy(vector)

    def companion_features(self, batch: Ragged, generator: torch.Generator) -> NGrams:
        """What a companion of the networks reads of such texts."""
        return NGrams.learn(batch, self.tokenizer)

    def companion_features_from(self, data: dict[str, Any]) -> NGrams:
        """The same, of the sizes that a file names."""
        return NGrams.sized(data, self.tokenizer)

    def steps(self, batch: Ragged) -> list[list[str]]:
        """What people read at each step."""
        names = self.tokenizer.tokens
        return [[names[token] for token in part.tolist()] for part in batch.parts()]

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "tokenizer": self.tokenizer.to_dict(), "width": self.width}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "TextReader":
        if data.keys() != {"kind", "tokenizer", "width"}:
            raise ValueError("reader must hold kind, tokenizer and width")
        tokenizer = tokenizer_from_dict(typed(data["tokenizer"], dict, "reader.tokenizer"))
        return cls(tokenizer, typed(data["width"], int, "reader.width"))

    def _rows(self, texts: Sequence[str]) -> Ragged:
        tokens = [torch.from_numpy(self.tokenizer.encode(text)) for text in texts]
        return Ragged.of(tokens)


def _texts(X: Any) -> list[str]:
    """Texts with one blank before them, so that a first word is the word that it is elsewhere."""
    if isinstance(X, str) or not hasattr(X, "__iter__"):
        raise TypeError(f"X must be a list of texts, got {X!r:.40}")
    texts = []
    for k, text in enumerate(X):
        if not isinstance(text, str):
            raise TypeError(f"X[{k}] must be a text, as all the others, got {text!r:.40}")
        if not text.strip():
            raise ValueError(f"X[{k}] must have at least one word, got an empty text")
        texts.append(f" {text.strip()}")
    if not texts:
        raise ValueError("X must hold at least one text, got none")
    return texts


def _with_words(tokenizer: WordTokenizer, vectors: Vectors) -> WordTokenizer:
    """The same tokenizer, which also knows the words that come first in the vectors' file."""
    known = set(tokenizer.words)
    more = [f" {word}" for word in vectors.first if f" {word}" not in known and " " not in word]
    data = tokenizer.to_dict()
    return WordTokenizer([*tokenizer.words, *more], data["characters"])
