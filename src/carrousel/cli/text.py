"""``carrousel text``: train a language model, let it write, look into its memory."""

import typer

from .text_complete import complete
from .text_generate import generate
from .text_memory import memory
from .text_neurons import neurons
from .text_train import train

text = typer.Typer(
    help="Language models: train, complete, generate, and see which words are remembered.",
    no_args_is_help=True,
)
text.command()(train)
text.command()(complete)
text.command()(generate)
text.command()(memory)
text.command()(neurons)
