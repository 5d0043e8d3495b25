"""Training: truncated backpropagation through time, the state carried from batch to batch."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ..ops.cells import CELLS
from ..training import Progress, Run, TrainOptions, fit
from .corpus import Corpus
from .network import Masks, Network, Shape, State
from .options import Options
from .scoring import linear_cross_entropy, summed_loss

VALIDATED = 40  # times at most
VALIDATED_SIDE_BY_SIDE = 32


@dataclass(frozen=True)
class Batch:
    inputs: Tensor  # (T, B) int64
    targets: Tensor  # (T, B): the token after each
    first: bool  # the text begins anew: no state is carried into it
    masks: Masks


class Reader:
    """A text as ``batch`` streams side by side; each batch goes on where the last one ended."""

    def __init__(self, tokens: np.ndarray, batch: int, bptt: int) -> None:
        self.tokens, self.bptt = tokens, bptt
        self.streams = max(1, min(batch, (len(tokens) - 1) // bptt))
        self.length = (len(tokens) - 1) // self.streams
        if self.length < 1:
            raise ValueError(f"a text of {len(tokens) - 1} tokens is too short to learn from")
        self.per_epoch = math.ceil(self.length / bptt)
        self._starts = np.arange(self.streams) * self.length

    def at(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """(inputs (T, B), targets (T, B), whether these are the first of the text)."""
        k = step % self.per_epoch
        stop = min((k + 1) * self.bptt, self.length)
        index = self._starts + np.arange(k * self.bptt, stop + 1)[:, None]
        some = torch.from_numpy(self.tokens[index].astype(np.int64))
        return some[:-1], some[1:], k == 0


class Learner(nn.Module):
    """A network and the state that it carries, so that a checkpoint holds both."""

    def __init__(self, network: Network, streams: int) -> None:
        super().__init__()
        self.network = network
        for k, width in enumerate(network.shape.widths[1:]):
            for name in _state_names(network, k):
                self.register_buffer(name, torch.zeros(1, streams, width))

    def loss(self, batch: Batch) -> Tensor:
        """Mean nats per token; the state after the batch is kept for the next one."""
        hidden, state = self.network.read(batch.inputs, self._carried(batch.first), batch.masks)
        self._carry(state)
        decoder = self.network.decoder
        return linear_cross_entropy(
            hidden.flatten(0, 1), decoder.weight, decoder.bias, batch.targets.flatten()
        )

    def _carried(self, first: bool) -> State:
        state = []
        for k in range(self.network.shape.layers):
            parts = [cast(Tensor, getattr(self, name)) for name in _state_names(self.network, k)]
            parts = [torch.zeros_like(part) if first else part.clone() for part in parts]
            state.append(parts[0] if len(parts) == 1 else tuple(parts))
        return state

    def _carry(self, state: State) -> None:
        for k, after in enumerate(state):
            parts = after if isinstance(after, tuple) else (after,)
            for name, part in zip(_state_names(self.network, k), parts, strict=True):
                cast(Tensor, getattr(self, name)).copy_(part.detach())


def train(
    corpus: Corpus,
    valid: Corpus | None,
    tokens: int,
    options: Options,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> tuple[Network, Run]:
    """A network that has read the corpus; with ``valid``, as it was when it read that best."""
    reader = Reader(corpus.tokens, options.batch, options.bptt)
    plan = plan_of(options, reader)
    network = new_network(shape_of(options, tokens), options.seed)
    run = fit(
        Learner(network, reader.streams),
        partial(draw, reader, network.shape, options),
        _loss,
        plan,
        validate=None if valid is None else partial(_validate, valid),
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        identity=f"{corpus.digest} {asdict(options)}",
    )
    return network.eval(), run


def plan_of(options: Options, reader: Reader) -> TrainOptions:
    """How many updates, and how."""
    steps = options.steps or max(1, round(options.epochs * reader.per_epoch))
    return TrainOptions(
        steps=steps,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        clip=options.clip,
        average=options.average,
        evaluate_every=max(1, math.ceil(steps / VALIDATED)),
        patience=options.patience,
        checkpoint_every=max(1, min(200, steps // 10)),
        seed=options.seed,
    )


def shape_of(options: Options, tokens: int) -> Shape:
    o = options
    return Shape(tokens, o.cell, o.embedding, o.hidden, o.layers, o.tied)


def new_network(shape: Shape, seed: int) -> Network:
    """A network drawn from ``seed``; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(shape)


@torch.no_grad()
def mean_loss(network: Network, tokens: np.ndarray, streams: int) -> float:
    """Mean nats per token of a text that is read in ``streams`` parts, each from no state."""
    reader = Reader(tokens, streams, 256)
    total, state, decoder = 0.0, None, network.decoder
    for step in range(reader.per_epoch):
        inputs, targets, _ = reader.at(step)
        hidden, state = network.read(inputs, state)
        total += summed_loss(hidden.flatten(0, 1), decoder.weight, decoder.bias, targets.flatten())
    return total / (reader.streams * reader.length)


def draw(
    reader: Reader, shape: Shape, options: Options, step: int, generator: torch.Generator
) -> Batch:
    """The batch of an update, and what of the network it does not see."""
    inputs, targets, first = reader.at(step)
    return Batch(inputs, targets, first, _masks(options, shape, reader.streams, generator))


def _masks(o: Options, shape: Shape, streams: int, generator: torch.Generator) -> Masks:
    """What this batch does not see; nothing is drawn for options that are off."""
    masks, gates = Masks(), CELLS[shape.cell].blocks
    if o.embedding_dropout:
        masks.tokens = _kept((shape.tokens, 1), o.embedding_dropout, generator)
    if o.dropout:
        masks.units = [_kept((streams, width), o.dropout, generator) for width in shape.widths]
    if o.weight_drop:
        matrices = [(gates * width, width) for width in shape.widths[1:]]
        masks.weights = [_kept(size, o.weight_drop, generator) for size in matrices]
    return masks


def _kept(size: tuple[int, int], share: float, generator: torch.Generator) -> Tensor:
    """1 / (1 - share), or 0 with the probability ``share``."""
    return torch.empty(size).bernoulli_(1 - share, generator=generator).div_(1 - share)


def _loss(model: Any, batch: Batch) -> Tensor:
    return model.loss(batch)


def _validate(valid: Corpus, model: Any) -> float:
    return mean_loss(model.network, valid.tokens, VALIDATED_SIDE_BY_SIDE)


def _state_names(network: Network, layer: int) -> list[str]:
    return [f"{name}{layer}" for name in "hc"[: CELLS[network.shape.cell].states]]
