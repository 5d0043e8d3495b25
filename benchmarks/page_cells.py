"""The sentences of a trained model again, with another cell that starts from its word vectors.

    python -m benchmarks.page_cells build/french-lstm gru TEXT.txt build/french-gru --epochs 1.5

So that choosing a cell in the explorer changes the cell and little else: the same vocabulary, width
and text. The embedding (which is tied to the output) starts as the first model's and learns on; the
cell starts anew. A run that was stopped goes on from ``OUT.checkpoint``.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from carrousel.text import LanguageModel
from carrousel.text.corpus import Corpus
from carrousel.text.training import Learner, Reader, draw, new_network, plan_of, shape_of
from carrousel.training import Progress, fit


def continued(
    first: LanguageModel, cell: str, text: Path, epochs: float, checkpoint: Path
) -> LanguageModel:
    """A model like ``first`` with ``cell``, trained on the text from the first one's embedding."""
    options = replace(first.options, cell=cell, epochs=epochs)
    corpus = Corpus.of(text, first.tokenizer)
    reader = Reader(corpus.tokens, options.batch, options.bptt)
    shape = shape_of(options, len(first.tokenizer))
    network = new_network(shape, options.seed)
    with torch.no_grad():
        network.embedding.weight.copy_(first.network.embedding.weight)
        network.decoder.bias.copy_(first.network.decoder.bias)
    run = fit(
        Learner(network, reader.streams),
        partial(draw, reader, shape, options),
        lambda learner, batch: learner.loss(batch),
        plan_of(options, reader),
        progress=_say,
        checkpoint=checkpoint,
        resume=checkpoint.exists(),
        identity=f"{corpus.digest} {options} continued",
    )
    model = LanguageModel(**vars(options))
    model.tokenizer, model.network = first.tokenizer, network.eval()
    model.report = {"steps": run.steps, "loss": run.losses[-1], "tokens": len(corpus.tokens) - 1}
    return model


def _say(progress: Progress) -> None:
    if progress.step % 200 == 0:
        print(f"{progress.step:,} of {progress.steps:,}: loss {progress.loss:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("cell", choices=["gru", "rnn"])
    parser.add_argument("text", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=float, default=1.5)
    options = parser.parse_args()
    first = LanguageModel.load(options.first)
    checkpoint = options.out.with_name(f"{options.out.name}.checkpoint")
    model = continued(first, options.cell, options.text, options.epochs, checkpoint)
    model.save(options.out)


if __name__ == "__main__":
    main()
