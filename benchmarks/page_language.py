"""Train sentence models of the explorer: anew, or from what another one has learned.

    python -m benchmarks.page_language TEXT.txt build/french-4 --epochs 4
    python -m benchmarks.page_language TEXT.txt build/french-lstm --start build/french-4 --epochs 6
    python -m benchmarks.page_language TEXT.txt build/french --start build/french-lstm \\
      --cells lstm gru rnn

So that choosing a cell in the explorer changes the cell and nothing else, several cells learn side
by side from the same sentences, and one set of words (the embedding, which is tied to the output)
learns from all of them. What ``--start`` knows goes to every network: the words to all, the cell to
those of its kind. The first cell's model is written to OUT, another one's to OUT-CELL. A run that
was stopped goes on from ``OUT.checkpoint``.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from carrousel.ops.cells import NAMES
from carrousel.text import LanguageModel, Options
from carrousel.text.corpus import Corpus, chunks
from carrousel.text.network import Network
from carrousel.text.training import Learner, Reader, draw, new_network, plan_of, shape_of
from carrousel.tokenizers.kinds import learn_tokenizer
from carrousel.training import Progress, fit

SHAPE = Options("word", embedding=128, hidden=128, tied=True, batch=20, bptt=24)


def learned(
    options: Options,
    cells: Sequence[str],
    text: Path,
    checkpoint: Path,
    start: LanguageModel | None = None,
) -> list[LanguageModel]:
    """A model of each cell, trained on the text from what ``start`` has of its weights."""
    if start is None:
        tokenizer = learn_tokenizer(options.level, chunks(text), options.vocabulary, True)
    else:
        tokenizer = start.tokenizer
    corpus = Corpus.of(text, tokenizer)
    reader = Reader(corpus.tokens, options.batch, options.bptt)
    models = [LanguageModel(**vars(replace(options, cell=cell))) for cell in cells]
    for model in models:
        model.tokenizer = tokenizer
        model.network = _begun(model.options, len(tokenizer), start)
        words = models[0].network.embedding.weight
        model.network.embedding.weight = model.network.decoder.weight = words
    run = fit(
        nn.ModuleList(Learner(model.network, reader.streams) for model in models),
        partial(draw, reader, models[0].network.shape, options),
        lambda learners, batch: torch.stack([one.loss(batch) for one in learners]).mean(),
        plan_of(options, reader),
        progress=_say,
        checkpoint=checkpoint,
        resume=checkpoint.exists(),
        identity=f"{corpus.digest} {options} {cells} {start is not None}",
    )
    for model in models:
        model.network.eval()
        model.report = {
            "steps": run.steps,
            "loss": run.losses[-1],
            "tokens": len(corpus.tokens) - 1,
        }
    return models


def _begun(options: Options, tokens: int, start: LanguageModel | None) -> Network:
    """A new network with what ``start`` knows."""
    network = new_network(shape_of(options, tokens), options.seed)
    known = {} if start is None else start.network.state_dict()
    if start is not None and options.cell != start.options.cell:
        known = {name: value for name, value in known.items() if not name.startswith("layers.")}
    network.load_state_dict(network.state_dict() | known)
    return network


def _say(progress: Progress) -> None:
    if progress.step % 200 == 0:
        print(f"{progress.step:,} of {progress.steps:,}: loss {progress.loss:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="sentences, one a line")
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, help="a model of the same text")
    parser.add_argument("--cells", choices=NAMES, nargs="+", default=["lstm"])
    parser.add_argument("--epochs", type=float, default=1.5)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--vocabulary", type=int, default=4700)
    parser.add_argument("--dropout", type=float, default=0.15)
    given = parser.parse_args()
    options = replace(
        SHAPE,
        epochs=given.epochs,
        learning_rate=given.learning_rate,
        vocabulary=given.vocabulary,
        dropout=given.dropout,
    )
    start = None if given.start is None else LanguageModel.load(given.start)
    checkpoint = given.out.with_name(f"{given.out.name}.checkpoint")
    models = learned(options, given.cells, given.text, checkpoint, start)
    for cell, model in zip(given.cells, models, strict=True):
        first = cell == given.cells[0]
        model.save(given.out if first else given.out.with_name(f"{given.out.name}-{cell}"))


if __name__ == "__main__":
    main()
