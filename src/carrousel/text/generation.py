"""Writing on: one token after the other, the state carried, no window."""

from collections.abc import Iterator

import numpy as np
import torch

from ..limits import whole
from ..tokenizers.tokenizer import Tokenizer
from .network import Network, State


class Sampler:
    """Draws a token from scores, after what temperature, ``top_k`` and ``top_p`` leave.

    temperature: scores are divided by it; 0 takes the likeliest token.
    top_k: only this many likeliest tokens.
    top_p: only the likeliest tokens that together have this probability (nucleus sampling,
        Holtzman et al. 2020).
    """

    def __init__(
        self, temperature: float = 1.0, top_k: int | None = None, top_p: float = 1.0, seed: int = 0
    ) -> None:
        if not 0 <= temperature < np.inf:
            raise ValueError(f"temperature must be 0 or more and finite, got {temperature!r}")
        if top_k is not None:
            whole("top_k", top_k)
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], got {top_p!r}")
        self.temperature, self.top_k, self.top_p = temperature, top_k, top_p
        whole("seed", seed, 0)
        self._random = np.random.default_rng(seed)

    def __call__(self, scores: np.ndarray) -> int:
        """scores (V,) float32, changed in place."""
        if self.temperature == 0 or self.top_k == 1:
            return int(scores.argmax())
        if self.temperature != 1:
            scores /= self.temperature
        if self.top_k is not None and self.top_k < len(scores):
            scores[scores < np.partition(scores, -self.top_k)[-self.top_k]] = -np.inf
        scores -= scores.max()
        chances = np.exp(scores, out=scores)
        if self.top_p < 1:
            self._keep_nucleus(chances)
        sums = chances.cumsum(dtype=np.float64)
        drawn = int(sums.searchsorted(self._random.random() * sums[-1], "right"))
        return min(drawn, int(chances.nonzero()[0][-1])) if drawn >= len(sums) else drawn

    def _keep_nucleus(self, chances: np.ndarray) -> None:
        order = np.argsort(-chances, kind="stable")
        sums = chances[order].cumsum(dtype=np.float64)
        kept = int(np.searchsorted(sums, self.top_p * sums[-1])) + 1
        chances[order[kept:]] = 0


class Stepper:
    """Token in, scores (V,) of the next out; the state is carried. For inference mode.

    What the network looks up at every step, the rows of its embedding say, is looked up once.
    """

    def __init__(self, network: Network, state: State) -> None:
        self._layers, self._state = list(network.layers), state
        self._rows = network.embedding.weight.detach()[:, None, None].unbind(0)  # V x (1, 1, E)
        self._decoder = network.decoder.bias.detach(), network.decoder.weight.detach()

    def __call__(self, token: int) -> np.ndarray:
        x, after = self._rows[token], []
        for layer, state in zip(self._layers, self._state, strict=True):
            x, now = layer(x, state)
            after.append(now)
        self._state = after
        bias, weight = self._decoder
        return torch.addmv(bias, weight, x.view(-1)).numpy()


def read_prefix(
    network: Network, tokenizer: Tokenizer, prefix: str
) -> tuple[np.ndarray, State, str]:
    """Scores (V,) of what follows, the state, and the end of ``prefix`` that was left to be
    written: only tokens that begin with it may follow (see ``Tokenizer.split_end``)."""
    read, left = tokenizer.split_end(prefix)
    tokens = np.insert(tokenizer.read(read)[0], 0, tokenizer.begin)
    with torch.inference_mode():
        hidden, state = network.read(torch.from_numpy(tokens)[:, None])
        scores = network.decoder(hidden[-1, 0]).numpy()
    if left:
        start = left.encode()
        scores[[not piece.startswith(start) for piece in tokenizer.spelled]] = -np.inf
    return scores, state, left


def write(
    network: Network, tokenizer: Tokenizer, prefix: str, length: int, sampler: Sampler
) -> Iterator[str]:
    """``length`` tokens after ``prefix``, as the characters that each of them completes."""
    spell = tokenizer.decoder()
    scores, state, written = read_prefix(network, tokenizer, prefix)
    step = Stepper(network, state)
    for left in reversed(range(length)):
        token = sampler(scores)
        text = spell(token)
        text, written = text.removeprefix(written), ""
        if text:
            yield text
        if left:
            with torch.inference_mode():
                scores = step(token)
    if rest := spell.rest():
        yield rest
