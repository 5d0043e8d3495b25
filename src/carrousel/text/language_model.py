"""``LanguageModel``: what follows, said by a network that one can see through."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Unpack

from ..limits import whole
from ..tokenizers.kinds import learn_tokenizer
from ..tokenizers.pieces import normalized
from ..tokenizers.tokenizer import Tokenizer
from ..training import Progress, Run
from ..wording import no_option
from . import generation as g
from .corpus import Corpus, Source, chunks
from .network import Network
from .options import Given, Options
from .scoring import summed_loss
from .storage import load_model, save_model
from .training import new_network, train

READ_AT_ONCE = 1024  # tokens


class LanguageModel:
    """A recurrent language model of characters, words or byte pairs.

    Args:
        level: "char", "word" or "bpe".
        cell: "lstm", "gru" or "rnn".
        **options: See ``carrousel.text.Options``.

    >>> model = LanguageModel("char", hidden=16, steps=150, learning_rate=0.03)
    >>> model = model.fit("tiny " * 60, valid=0)
    >>> "".join(model.generate("tiny t", length=6, temperature=0))
    'iny ti'
    >>> [(token, round(p)) for token, p in model.next("tin", k=1)]
    [('y', 1)]

    Attributes after ``fit`` or ``load``:
        tokenizer: ``encode``, ``decode``, ``tokens``.
        network: The ``torch.nn.Module``: ``embedding``, ``layers``, ``decoder``;
            ``carrousel.trace(model.network)`` sees inside.
        report: What the training came to, as plain data.
    """

    tokenizer: Tokenizer
    network: Network
    report: dict[str, Any]

    def __init__(self, level: str = "char", cell: str = "lstm", **options: Unpack[Given]) -> None:
        if wrong := no_option("LanguageModel", options, Options.names()):
            raise TypeError(wrong)
        self.options = Options(level, cell, **options)

    def __repr__(self) -> str:
        default = asdict(Options())
        changed = {k: v for k, v in asdict(self.options).items() if v != default[k]}
        return f"LanguageModel({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def fit(
        self,
        text: Source,
        *,
        valid: Source | float = 0.05,
        progress: Callable[[Progress], None] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> "LanguageModel":
        """Learn a text.

        Args:
            text: The text as ``str``, a file as ``Path``, or several; files may be larger than
                memory.
            valid: Text of the same kinds on which the training is judged, or a share of the end
                of ``text``; 0 for none. The weights that read it best are kept.
            progress: Called after every update with a ``carrousel.training.Progress``.
            checkpoint: File to which the state of training is written now and then.
            resume: Go on from there; the result is that of a run that never stopped.

        Raises:
            ValueError: The text is empty or not UTF-8, or the checkpoint is of another training.
        """
        o = self.options
        if isinstance(valid, float | int) and not 0 <= valid < 1:
            raise ValueError(f"valid must be a text, or a share in [0, 1), got {valid!r}")
        tokenizer = learn_tokenizer(o.level, chunks(text), o.vocabulary, o.byte_fallback)
        corpus, held = _corpora(text, valid, tokenizer)
        where = Path(checkpoint) if checkpoint is not None else None
        network, run = train(corpus, held, len(tokenizer), o, progress, where, resume)
        self.tokenizer, self.network, self.report = tokenizer, network, _report(run, corpus, o)
        return self

    def loss(self, text: str) -> float:
        """Mean nats per token of a text, read in one go from its beginning."""
        tokens = self._tokens(text)
        if len(tokens) < 2:
            raise ValueError("text is empty: it has no perplexity")
        total, state, decoder = 0.0, None, self.network.decoder
        all_tokens = torch.from_numpy(tokens)
        with torch.inference_mode():
            for start in range(0, len(tokens) - 1, READ_AT_ONCE):
                some = all_tokens[start : start + READ_AT_ONCE + 1]
                hidden, state = self.network.read(some[:-1, None], state)
                total += summed_loss(hidden[:, 0], decoder.weight, decoder.bias, some[1:])
        return total / (len(tokens) - 1)

    def perplexity(self, text: str) -> float:
        """exp of the mean nats per token: among how many tokens the model hesitates."""
        return math.exp(self.loss(text))

    def bits_per_character(self, text: str) -> float:
        """What the model would need to transmit the text; comparable across tokenizers."""
        count = len(self._tokens(text)) - 1
        return self.loss(text) * count / len(normalized(text)) / math.log(2)

    def next(self, prefix: str = "", k: int = 10) -> list[tuple[str, float]]:
        """The ``k`` likeliest tokens after ``prefix``, with their probabilities."""
        whole("k", k)
        scores, _, _ = g.read_prefix(self._require_fitted(), self.tokenizer, prefix)
        best = torch.from_numpy(scores).softmax(-1).topk(min(k, len(scores)))
        names = self.tokenizer.tokens
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(names[token], chance) for token, chance in pairs]

    def generate(
        self,
        prefix: str = "",
        length: int = 200,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """Write ``length`` tokens after ``prefix``, piece by piece, as they come.

        The state is carried from token to token: no window limits what is remembered. The same
        seed writes the same text. See ``carrousel.text.generation.Sampler`` for the choices.
        """
        if length < 0:
            raise ValueError(f"length must be 0 or more, got {length!r}")
        whole("length", length, 0)
        network, sampler = self._require_fitted(), g.Sampler(temperature, top_k, top_p, seed)
        self.tokenizer.encode(
            prefix
        )  # what it cannot spell is an error now, not at the first token
        return g.write(network, self.tokenizer, prefix, length, sampler)

    def save(self, path: str | Path) -> None:
        """Write the model to a directory: numbers as safetensors, the rest as JSON."""
        network = self._require_fitted()
        save_model(Path(path), network, self.tokenizer, self.options, self.report)

    @classmethod
    def load(cls, path: str | Path) -> "LanguageModel":
        """Read a model that ``save`` wrote; nothing in the files is executed."""
        network, tokenizer, options, report = load_model(Path(path))
        model = cls(**asdict(options))
        model.network, model.tokenizer, model.report = network, tokenizer, report
        return model

    # What the tools that look inside ask of a model.

    @property
    def module(self) -> Network:
        """What holds the recurrent layers."""
        return self._require_fitted()

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """(token, where it ends in the text, which is in NFC); the first stands before it."""
        self._require_fitted()
        tokens, ends = self.tokenizer.read(text)
        return [(self.tokenizer.begin, 0), *zip(tokens.tolist(), ends, strict=True)]

    def text(self, tokens: Sequence[int]) -> str:
        """What the tokens spell."""
        return self.tokenizer.decode(tokens)

    def logits(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, T, V): scores of the token after each."""
        return self._require_fitted()(tokens)[0]

    def states(self, tokens: Sequence[int]) -> Tensor:
        """(T, L, H): after each token, the hidden state of each layer, carried along.

        Raises:
            ValueError: The layers differ in width (tied embeddings).
        """
        network = self._require_fitted()
        if len(set(network.shape.widths[1:])) > 1:
            raise ValueError(f"the layers have {network.shape.widths[1:]} units, not all the same")
        from ..tracing import trace

        some = torch.as_tensor(np.asarray(tokens))[:, None]
        with torch.no_grad(), trace(network) as seen:
            network.read(some)
        return torch.cat([layer.hidden[:, :, 0] for layer in seen]).transpose(0, 1)

    def untrained(self, seed: int = 0) -> "LanguageModel":
        """The same network with new random weights."""
        model = type(self)(**asdict(self.options))
        model.tokenizer, model.report = self.tokenizer, {}
        model.network = new_network(self._require_fitted().shape, seed).eval()
        return model

    def _tokens(self, text: str) -> np.ndarray:
        """The begin token and those of the text."""
        self._require_fitted()
        return np.insert(self.tokenizer.encode(text), 0, self.tokenizer.begin)

    def _require_fitted(self) -> Network:
        if not hasattr(self, "network"):
            raise RuntimeError(
                "this LanguageModel has learned nothing yet: call fit(text) or load(path)"
            )
        return self.network


def _corpora(
    text: Source, valid: Source | float, tokenizer: Tokenizer
) -> tuple[Corpus, Corpus | None]:
    corpus = Corpus.of(text, tokenizer)
    if not isinstance(valid, float | int):
        return corpus, Corpus.of(valid, tokenizer)
    if round(len(corpus.tokens) * valid) < 2:
        return corpus, None
    return corpus.split(valid)


def _report(run: Run, corpus: Corpus, options: Options) -> dict[str, Any]:
    return {
        "steps": run.steps,
        "best_step": run.best_step,
        "stopped": run.stopped,
        "reason": run.reason,
        "loss": run.losses[-1] if run.losses else None,
        "valid_loss": run.best_score,
        "valid_losses": [(step, s if math.isfinite(s) else None) for step, s in run.scores],
        "tokens": len(corpus.tokens) - 1,
        "characters": corpus.characters,
    }
