"""``carrousel text train``: from text files to a language model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..text import LanguageModel

CHECKPOINT = "training.safetensors"


def train(
    files: Annotated[list[Path], typer.Argument(help="Text files in UTF-8.")],
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    level: Annotated[str, typer.Option(help="Tokens: char, word or bpe (byte pairs).")] = "char",
    cell: Annotated[str, typer.Option(help="lstm, gru or rnn.")] = "lstm",
    embedding: Annotated[int, typer.Option(help="Numbers that stand for a token.")] = 64,
    hidden: Annotated[int, typer.Option(help="Units of each layer.")] = 256,
    layers: Annotated[int, typer.Option(help="Recurrent layers.")] = 1,
    tied: Annotated[bool, typer.Option("--tied", help="Predict with the embedding.")] = False,
    dropout: Annotated[float, typer.Option(help="Locked, after embedding and layers.")] = 0.0,
    embedding_dropout: Annotated[float, typer.Option(help="Of whole tokens.")] = 0.0,
    weight_drop: Annotated[float, typer.Option(help="Of recurrent weights.")] = 0.0,
    vocabulary: Annotated[
        int | None,
        typer.Option(help="Tokens at most.", show_default="all characters, 8000 words, 4000 bpe"),
    ] = None,
    epochs: Annotated[float, typer.Option(help="How often the text is read.")] = 5.0,
    steps: Annotated[
        int | None, typer.Option(help="Updates, instead of epochs.", show_default=False)
    ] = None,
    batch: Annotated[int, typer.Option(help="Places of the text read side by side.")] = 32,
    bptt: Annotated[int, typer.Option(help="Steps through which errors go back.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 6e-3,
    valid: Annotated[
        Path | None,
        typer.Option(help="File to be judged on.", show_default="the last 5 % of the text"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an earlier run was stopped.")
    ] = False,
) -> dict[str, Any]:
    """Learn a language model from text FILES; they may be larger than memory.

    A run that was stopped, by Ctrl-C or otherwise, goes on with --resume and arrives at the model
    of a run that never stopped.
    """
    from ..console import console
    from ..storage.tempfiles import with_lock
    from ..text import LanguageModel
    from .folders import writable_folder
    from .progress import training_bar

    model = LanguageModel(
        level, cell, embedding=embedding, hidden=hidden, layers=layers, tied=tied,
        dropout=dropout, embedding_dropout=embedding_dropout, weight_drop=weight_drop,
        vocabulary=vocabulary, epochs=epochs, steps=steps, batch=batch, bptt=bptt,
        learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    checkpoint = out / CHECKPOINT
    # Two trainings in one folder would each go on from the other's checkpoint.
    with writable_folder(out), with_lock(out, wait=False):
        with training_bar("learning") as report:
            model.fit(
                files,
                valid=0.05 if valid is None else valid,
                progress=lambda now: report(_score(now), now),
                checkpoint=checkpoint,
                resume=resume,
            )
        model.save(out)
        if model.report["stopped"] != "interrupted":
            checkpoint.unlink(missing_ok=True)
    _tell(console(), model, out)
    return {**model.report, "written": [str(out)]}


def _score(now: Any) -> str:
    return "no validation yet" if now.score is None else f"validation {now.score:.3f}"


def _tell(screen: Any, model: "LanguageModel", out: Path) -> None:
    report = model.report
    amount = f"{report['characters']:,} characters, {report['tokens']:,} tokens"
    kinds = len(model.tokenizer)
    screen.print(f"Learned {amount} of {kinds:,} kinds in {report['steps']:,} updates.")
    if report["valid_loss"] is not None:
        kept = f"best at update {report['best_step']:,}"
        screen.print(f"Validation: {report['valid_loss']:.3f} nats per token ({kept}).")
    if report["stopped"] == "interrupted":
        screen.print("Stopped by Ctrl-C: the best so far is kept; --resume goes on.")
    if report["stopped"] == "diverged":
        screen.print(f"Stopped: {report['reason']}; the best so far is kept.")
    screen.print(f"Written to {out}: carrousel text generate {out}", soft_wrap=True)
