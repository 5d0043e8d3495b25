"""Train a sentence model of the explorer: anew, or from what another one has learned.

    python -m benchmarks.page_language TEXT.txt build/french-4 --epochs 4
    python -m benchmarks.page_language TEXT.txt build/french --start build/french-4 --epochs 3.5
    python -m benchmarks.page_language TEXT.txt build/french-gru --cell gru --start build/french

So that choosing a cell in the explorer changes the cell and little else: the same vocabulary, width
and text. The embedding (which is tied to the output) starts as the first model's and learns on; the
cell starts anew, unless it is of the same kind. A run that was stopped goes on from
``OUT.checkpoint``.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from carrousel.ops.cells import NAMES
from carrousel.text import LanguageModel, Options
from carrousel.text.corpus import Corpus, chunks
from carrousel.text.training import Learner, Reader, draw, new_network, plan_of, shape_of
from carrousel.tokenizers.kinds import learn_tokenizer
from carrousel.training import Progress, fit

SHAPE = Options("word", embedding=128, hidden=128, tied=True, batch=20, bptt=24)


def learned(
    options: Options, text: Path, checkpoint: Path, start: LanguageModel | None = None
) -> LanguageModel:
    """A model of these options, trained on the text from what ``start`` has of its weights."""
    if start is None:
        tokenizer = learn_tokenizer(options.level, chunks(text), options.vocabulary, True)
    else:
        tokenizer = start.tokenizer
    corpus = Corpus.of(text, tokenizer)
    reader = Reader(corpus.tokens, options.batch, options.bptt)
    shape = shape_of(options, len(tokenizer))
    network = new_network(shape, options.seed)
    known = {} if start is None else start.network.state_dict()
    if start is not None and options.cell != start.options.cell:
        known = {name: value for name, value in known.items() if not name.startswith("layers.")}
    network.load_state_dict(network.state_dict() | known)
    run = fit(
        Learner(network, reader.streams),
        partial(draw, reader, shape, options),
        lambda learner, batch: learner.loss(batch),
        plan_of(options, reader),
        progress=_say,
        checkpoint=checkpoint,
        resume=checkpoint.exists(),
        identity=f"{corpus.digest} {options} {start is not None}",
    )
    model = LanguageModel(**vars(options))
    model.tokenizer, model.network = tokenizer, network.eval()
    model.report = {"steps": run.steps, "loss": run.losses[-1], "tokens": len(corpus.tokens) - 1}
    return model


def _say(progress: Progress) -> None:
    if progress.step % 200 == 0:
        print(f"{progress.step:,} of {progress.steps:,}: loss {progress.loss:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="sentences, one a line")
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, help="a model of the same text")
    parser.add_argument("--cell", choices=NAMES, default="lstm")
    parser.add_argument("--epochs", type=float, default=1.5)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--vocabulary", type=int, default=4700)
    parser.add_argument("--dropout", type=float, default=0.15)
    given = parser.parse_args()
    options = replace(
        SHAPE,
        cell=given.cell,
        epochs=given.epochs,
        learning_rate=given.learning_rate,
        vocabulary=given.vocabulary,
        dropout=given.dropout,
    )
    start = None if given.start is None else LanguageModel.load(given.start)
    checkpoint = given.out.with_name(f"{given.out.name}.checkpoint")
    learned(options, given.text, checkpoint, start).save(given.out)


if __name__ == "__main__":
    main()
