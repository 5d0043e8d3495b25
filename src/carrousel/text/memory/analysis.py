"""What a language model keeps of each word of a sentence, beside any other word at its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...explain.asking import evaluated
from ...limits import whole
from ...plottable import Plottable
from .occlusion import changed, drawn_from
from .retention import kept
from .sentences import Line, Readable, probabilities, records, words

_ENDS = set(
    ".!?…\n\ufffd"
)  # what an own sentence may not hold: it would end, or is half a character


@dataclass(frozen=True)
class Options:
    """How to measure.

    ``replacements``: words that stand in for each word in turn, drawn from those that the model
    itself writes. ``sentences``: sentences that the model writes for the position-only baseline.
    """

    replacements: int = 16
    sentences: int = 48
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("replacements", "sentences"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
            whole(name, getattr(self, name))
        whole("seed", self.seed, 0)


@dataclass(frozen=True)
class Measure:
    """One quantity: of the sentence, and of words at the same places in the model's own sentences.

    Axes: (layer,) word, and the word after which one looks, so that ``[..., -1]`` is at the end.
    """

    values: np.ndarray  # (..., W, W)
    others: np.ndarray  # (S, ..., W, W)

    def of_layer(self, layer: int) -> "Measure":
        """The measure of one layer.

        Raises:
            ValueError: There is no such layer.
        """
        layers = len(self.values)
        if not -layers <= layer < layers:
            raise ValueError(f"layer must be one of the model's {layers}, got {layer}")
        return Measure(self.values[layer], self.others[:, layer])

    @property
    def expected(self) -> np.ndarray:
        """The position-only baseline: the mean over the model's own sentences."""
        return mean_of(self.others)

    @property
    def beyond(self) -> np.ndarray:
        """The part of the own sentences whose word at that place has a smaller value."""
        return (self.others < self.values).mean(0)


@dataclass(frozen=True)
class Memory(Plottable, picture="carrousel.text.memory.picture:plot_memory"):
    """See :func:`memory`."""

    sentence: str
    words: list[str]
    survival: Measure | None  # (L, W, W); None for a plain RNN
    share: Measure | None
    change: Measure  # (W, W)
    next: list[tuple[str, float]]  # what the model expects now
    options: Options

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; NaN (before the word) is None."""
        measures = {"survival": self.survival, "share": self.share, "change": self.change}
        return {
            "sentence": self.sentence,
            "words": self.words,
            "next": [{"token": token, "probability": p} for token, p in self.next],
            **{name: _plain(measure) for name, measure in measures.items()},
            "options": vars(self.options),
        }


def memory(model: Readable, sentence: str, options: Options | None = None) -> Memory:
    """What of each word of ``sentence`` is left after every later one.

    - ``survival``: of what the word wrote into the memory, the part that is still there;
    - ``share``: of all that is there, the part that the word wrote (the ledger);
    - ``change``: how much the prediction changes when the word is another, averaged over
      replacements; it is measured, the other two are accountings.

    Later words are kept better by any network, so that each stands beside a baseline that knows
    the position only: the same for words at the same places in sentences that the model itself
    has written.

    Raises ``ValueError`` for a sentence without words.
    """
    options = options or Options()
    line = _line(model, sentence)
    own = own_sentences(model, options.sentences, len(line.spans), options.seed)
    pool = [word for other in own for word in other.words]
    changes = [
        changed(model, one, drawn_from(pool, one, options.replacements, options.seed))
        for one in (line, *own)
    ]
    books = kept_of(model, [line, *own])
    survival = share = None
    if books is not None:
        survival = _measure([entry.survival for entry in books])
        share = _measure([entry.share for entry in books])
    return Memory(
        sentence=sentence,
        words=line.words,
        survival=survival,
        share=share,
        change=_measure(changes),
        next=next_tokens(model, line, 10),
        options=options,
    )


def kept_of(model: Readable, lines: Sequence[Line]) -> list[Any] | None:
    """:func:`carrousel.text.memory.retention.kept` of any number of lines."""
    found: list[Any] = []
    for batch, seen in records(model, lines):
        some = kept(batch, seen)
        if some is None:
            return None
        found += some
    return found


def next_tokens(model: Readable, line: Line, count: int) -> list[tuple[str, float]]:
    """The likeliest tokens after the line, with their probabilities."""
    after = next(probabilities(model, [line]))[-1]
    best = after.topk(min(count, len(after)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [(model.text([token]), value) for token, value in pairs]


def own_sentences(model: Readable, count: int, length: int, seed: int = 0) -> list[Line]:
    """``count`` beginnings of sentences, each of ``length`` words, drawn from the model itself.

    Tokens that end a sentence are not drawn, so that it goes on.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.tensor([[model.pieces("\n")[0][0]]]).expand(count, -1)  # the beginning alone
    allowed: torch.Tensor | None = None
    found: list[Line] = []
    while len(found) < count and tokens.shape[1] < 12 * (length + 2):
        with torch.no_grad(), evaluated(model.module):
            logits = model.logits(tokens)[:, -1].float()
        if allowed is None:
            texts = [model.text([token]) for token in range(logits.shape[1])]
            allowed = torch.tensor([bool(text) and not _ENDS & set(text) for text in texts])
            if not allowed.any():
                break
        drawn = logits.masked_fill(~allowed, -torch.inf).softmax(-1)
        tokens = torch.cat([tokens, drawn.multinomial(1, generator=generator)], 1)
        if tokens.shape[1] > length:
            found = _long_enough(model, tokens[:, 1:].tolist(), length)
    if not found:
        raise ValueError(f"the model writes no sentence of {length} words to compare with")
    return found


def _long_enough(model: Readable, rows: list[list[int]], length: int) -> list[Line]:
    """Rows that hold a word more than asked for: the last of ``length`` is then whole."""
    found = []
    for row in rows:
        text = model.text(row).strip()
        spans = words(text)
        if len(spans) > length:
            found.append(Line.of(model, text[: spans[length - 1][1]], spans[:length]))
    return found


def mean_of(arrays: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """The mean along the first axis of what is there; NaN where nothing is."""
    stacked = np.stack(list(arrays))
    there = np.isfinite(stacked)
    with np.errstate(invalid="ignore"):
        return np.where(there, stacked, 0).sum(0) / there.sum(0)


def _line(model: Readable, sentence: str) -> Line:
    text = sentence.strip()
    if not words(text):
        raise ValueError(f"sentence must hold a word, got {sentence!r}")
    return Line.of(model, text, words(text))


def _measure(of_all: Sequence[np.ndarray]) -> Measure:
    return Measure(of_all[0], np.stack(of_all[1:]))


def _plain(measure: Measure | None) -> Any:
    if measure is None:
        return None
    return {
        "values": _listed(measure.values),
        "baseline": _listed(measure.expected),
        "beyond": _listed(measure.beyond),
    }


def _listed(array: np.ndarray) -> Any:
    plain = array.round(6).astype(object)
    plain[np.isnan(array)] = None
    return plain.tolist()
