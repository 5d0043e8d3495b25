"""Imports of a command, which are most of what a short one does."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """While modules are imported nothing is garbage, and to look for it, time and again among the
    million objects of torch, takes a tenth of a short command. What is there afterwards stays, and
    is not looked through again."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if looked:
            gc.enable()
