"""``--ray [ADDRESS]``: an option whose value may be left out, and a cluster around a command."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from .options import MANY

FLAG = "--ray"
# What stands after the flag and is meant by it; anything else is the next argument of the command.
ADDRESS = re.compile(r"auto|local|ray://\S+|[\w.\-]+:\d+|\[[\da-fA-F:]+\]:\d+")

Ray = Annotated[
    str | None,
    typer.Option(FLAG, metavar="[ADDRESS]", show_default=False, rich_help_panel=MANY,
                 help="Give the parts to a Ray cluster: host:port, auto (the one that runs here), "
                 "or, if no address follows, $RAY_ADDRESS or this machine's processors."),
]  # fmt: skip


class OnCluster(TyperCommand):
    """A command with ``--ray``: typer's options cannot do without a value, so it gets one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, addressed(args))


def addressed(words: Sequence[str]) -> list[str]:
    """What was typed, with the address behind its flag in one word; empty if there is none.

    >>> addressed(["--ray", "sales/*.parquet"]), addressed(["sales", "--ray", "head:6379", "-q"])
    (['--ray=', 'sales/*.parquet'], ['sales', '--ray=head:6379', '-q'])
    """
    found: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":  # no options after it
            return [*found, word, *left]
        if word == FLAG:
            word = f"{FLAG}={left.pop(0) if left and ADDRESS.fullmatch(left[0]) else ''}"
        found.append(word)
    return found


@contextmanager
def on_cluster(ray: str | None, source: Path) -> Iterator[None]:
    """On the cluster at an address, the one that is found if it is empty; None: here. Where there
    is nothing to be done, no cluster is started."""
    if ray is None:
        yield
        return
    from ..data.store import Source
    from ..forecast.distributed import on_ray

    Source.of(source)

    with on_ray(ray or None):
        yield
