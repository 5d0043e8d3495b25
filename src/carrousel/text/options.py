"""What fixes a language model and its training."""

import math
from dataclasses import dataclass, fields
from typing import TypedDict

from ..limits import real, whole
from ..ops.cells import NAMES
from ..tokenizers.tokenizer import LEVELS
from ..wording import one_of


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen; saved with the model.

    Args:
        level: Tokens: "char" (characters), "word", or "bpe" (byte pairs; Sennrich et al. 2016).
        cell: "lstm", "gru" or "rnn".
        embedding: Numbers that stand for a token.
        hidden: Units of each recurrent layer.
        layers: Recurrent layers.
        tied: Predict with the embedding's own matrix (Press & Wolf 2017; Inan et al. 2017). The
            last layer then has ``embedding`` units.
        dropout: Share of the units hidden after the embedding and after each layer, the same for
            all steps of a sequence (locked, or variational: Gal & Ghahramani 2016).
        embedding_dropout: Share of the tokens whose whole embedding is hidden (the same paper).
        weight_drop: Share of the recurrent weights that are set to zero for one batch (Wan et al.
            2013; Merity, Keskar & Socher 2018, "AWD-LSTM").
        vocabulary: Tokens at most; None: all characters, 8,000 words, or 4,000 byte pairs.
        byte_fallback: Spell characters that were not learned by their bytes. False (for characters
            only) has fewer tokens and refuses them.
        epochs: How often the text is read.
        steps: Updates, instead of epochs.
        batch: Places of the text that are read side by side.
        bptt: Steps through which the error is sent back; the state is carried on (truncated
            backpropagation through time, Williams & Peng 1990).
        learning_rate: See ``carrousel.training.TrainOptions``, as for the next three.
        weight_decay: Of matrices.
        clip: Largest norm of the gradient.
        average: Decay of the moving average of the weights; 0: none.
        patience: Validations without improvement before stopping; 0 never stops early.
        seed: Of everything that is drawn.
    """

    level: str = "char"
    cell: str = "lstm"
    embedding: int = 64
    hidden: int = 256
    layers: int = 1
    tied: bool = False
    dropout: float = 0.0
    embedding_dropout: float = 0.0
    weight_drop: float = 0.0
    vocabulary: int | None = None
    byte_fallback: bool = True
    epochs: float = 5.0
    steps: int | None = None
    batch: int = 32
    bptt: int = 64
    learning_rate: float = 6e-3
    weight_decay: float = 1e-2
    clip: float = 1.0
    average: float = 0.0
    patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        one_of("level", self.level, LEVELS)
        one_of("cell", self.cell, NAMES)
        for name in ("embedding", "hidden", "layers", "batch", "bptt"):
            _at_least_one(name, getattr(self, name))
        for name in ("vocabulary", "steps"):
            if getattr(self, name) is not None:
                _at_least_one(name, getattr(self, name))
        for name in ("patience", "seed"):
            whole(name, getattr(self, name), 0)
        for name in ("dropout", "embedding_dropout", "weight_drop", "average"):
            real(name, getattr(self, name), 0, 1, below=True)
        real("epochs", self.epochs, -math.inf)
        if self.epochs <= 0:
            raise ValueError(f"epochs must be above 0, got {self.epochs!r}")
        real("learning_rate", self.learning_rate, 0, 100, above=True)
        real("weight_decay", self.weight_decay, 0)
        real("clip", self.clip, 0)
        if not self.byte_fallback and self.level != "char":
            raise ValueError(
                f"byte_fallback=False is for level='char'; level={self.level!r} needs its bytes"
            )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))


class Given(TypedDict, total=False):
    """The options that ``LanguageModel`` takes by name, for type checkers and editors."""

    embedding: int
    hidden: int
    layers: int
    tied: bool
    dropout: float
    embedding_dropout: float
    weight_drop: float
    vocabulary: int | None
    byte_fallback: bool
    epochs: float
    steps: int | None
    batch: int
    bptt: int
    learning_rate: float
    weight_decay: float
    clip: float
    average: float
    patience: int
    seed: int


def _at_least_one(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    whole(name, value)
