"""``carrousel transcribe``: from recordings to what is said in them."""

import typer

from .transcribe_evaluate import evaluate
from .transcribe_predict import predict
from .transcribe_train import train

transcribe = typer.Typer(
    help="Speech: learn from recordings, write down what is said, live or in files, and how wrong "
    "that is.",
    no_args_is_help=True,
)
transcribe.command()(train)
transcribe.command()(predict)
transcribe.command()(evaluate)
