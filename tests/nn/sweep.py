"""The sizes that every cell must agree with torch on, and the loop over them."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from tests.nn.twins import complaints, noise, observe, states, twins

# steps, sequences, inputs, units: one of each, and numbers beside the multiples of vectors
EVERY_SIZE = list(itertools.product((1, 2, 7, 33), (1, 3, 8), (1, 5), (1, 8, 17, 64)))
A_FEW_SIZES = [(1, 1, 1, 1), (2, 3, 5, 17), (7, 8, 5, 64), (33, 1, 1, 8), (5, 13, 19, 50)]
LAYERS = (1, 2, 3)


@dataclass(frozen=True)
class Case:
    """One configuration of one cell."""

    sizes: tuple[int, int, int, int]
    layers: int
    bidirectional: bool
    bias: bool
    batch_first: bool
    with_states: bool

    def __str__(self) -> str:
        words = ["T={} B={} I={} H={}".format(*self.sizes), f"layers={self.layers}"]
        words += ["both directions"] * self.bidirectional + ["without bias"] * (not self.bias)
        words += ["batch first"] * self.batch_first + ["given states"] * self.with_states
        return ", ".join(words)


def cases(sizes: list[tuple[int, int, int, int]], seed: int) -> Iterator[Case]:
    """Every size with every depth and direction; the options are drawn, all meet all in the end."""
    draw = random.Random(seed)
    for size, layers, bidirectional in itertools.product(sizes, LAYERS, (False, True)):
        flags = [draw.random() < 0.5 for _ in range(3)]
        yield Case(size, layers, bidirectional, *flags)


def disagreements(cell: str, dtype: torch.dtype, case: Case) -> list[str]:
    """What differs between torch and us in one case, as sentences."""
    steps, batch, inputs, units = case.sizes
    pair = twins(
        cell,
        inputs,
        units,
        num_layers=case.layers,
        bidirectional=case.bidirectional,
        bias=case.bias,
        batch_first=case.batch_first,
        dtype=dtype,
    )
    shape = (batch, steps, inputs) if case.batch_first else (steps, batch, inputs)
    given = (noise(*shape, dtype=dtype),)
    given += (states(pair[0], batch),) if case.with_states else ()
    theirs, ours = (observe(layer, *given) for layer in pair)
    return [f"{cell}, {dtype}, {case}: {what}" for what in complaints(ours, theirs)]


def sweep(cell: str, dtype: torch.dtype, sizes: list[tuple[int, int, int, int]]) -> None:
    """Fail naming every case (the first thirty) on which the twins disagree."""
    found = [line for case in cases(sizes, seed=3) for line in disagreements(cell, dtype, case)]
    assert not found, f"{len(found)} differences, first:\n" + "\n".join(found[:30])
