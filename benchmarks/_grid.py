"""What is measured: the rows of the table, and the bars they are held to."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

CELLS = ("LSTM", "GRU", "RNN")
# sequences, steps, inputs, units
SIZES = [
    (1, 128, 16, 64),
    (1, 512, 8, 128),
    (8, 64, 4, 16),
    (32, 64, 8, 32),
    (32, 128, 16, 64),
    (32, 128, 64, 128),
    (128, 48, 1, 128),
    (128, 144, 1, 128),
    (256, 24, 8, 64),
    (1024, 48, 4, 32),
    (64, 128, 128, 256),
    (256, 32, 64, 512),
    (32, 100, 512, 512),
    (16, 50, 1024, 1024),
    (33, 60, 7, 100),  # odd, because people use them
    (50, 40, 10, 50),
]
DEEP_SIZES = [SIZES[3], SIZES[5], SIZES[6], SIZES[10], SIZES[14]]
PACKED_SIZES = [SIZES[3], SIZES[4], SIZES[6], SIZES[10], SIZES[14]]
FLOAT64_SIZES = [SIZES[3], SIZES[5], SIZES[6], SIZES[10]]
MEMORY_SIZES = [SIZES[5], SIZES[7], SIZES[9], SIZES[10], SIZES[11]]
TRACING_SIZES = [SIZES[3], SIZES[5], SIZES[7], SIZES[10]]
STREAMING_SIZES = [(1, 1, 16, 64), (1, 1, 8, 128), (64, 1, 16, 64), (64, 1, 8, 128)]
QUICK_SIZES = {SIZES[3], SIZES[6], SIZES[10], SIZES[14], STREAMING_SIZES[0]}
KINDS = ("train", "forward", "packed", "stream", "float64", "memory", "tracing")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    kind: str
    cell: str
    size: tuple[int, int, int, int]
    layers: int = 1
    directions: int = 1

    @property
    def label(self) -> str:
        words = ["{} x {}, I {}, H {}".format(*self.size)]
        words += ["2 layers"] * (self.layers == 2) + ["both directions"] * (self.directions == 2)
        return ", ".join(words)

    @property
    def trains(self) -> bool:
        return self.kind not in ("forward", "stream")

    def operations(self) -> float:
        """Floating-point operations of the matrix products: forward, or three times that."""
        batch, steps, inputs, units = self.size
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[self.cell]
        total = 0
        for layer in range(self.layers):
            wide = inputs if layer == 0 else units * self.directions
            total += 2 * gates * units * (wide + units) * batch * steps * self.directions
        return total * (3 if self.trains else 1)


def rows(quick: bool) -> Iterator[Row]:
    """Every row, in the order of the table."""
    for kind, sizes in (
        ("train", SIZES),
        ("forward", SIZES),
        ("packed", PACKED_SIZES),
        ("stream", STREAMING_SIZES),
        ("float64", FLOAT64_SIZES),
        ("memory", MEMORY_SIZES),
        ("tracing", TRACING_SIZES),
    ):
        for cell, size in itertools.product(CELLS, sizes):
            if quick and (size not in QUICK_SIZES or (kind == "forward" and size == SIZES[10])):
                continue
            yield Row(kind, cell, size)
            if kind in ("train", "forward") and size in DEEP_SIZES and not quick:
                yield Row(kind, cell, size, layers=2)
                yield Row(kind, cell, size, directions=2)


@dataclass(frozen=True)
class Bar:
    """What a set of rows should reach: at least these ratios, or at most where ``most`` is set."""

    name: str
    kind: str
    mean: float
    worst: float | None = None
    cells: tuple[str, ...] = CELLS
    value: str = "ratio"  # or "share", of the machine's matrix product
    units: int = 1  # rows with at least so many hidden units
    batch: int | None = None
    most: bool = False

    def takes(self, row: Row) -> bool:
        return (
            row.kind == self.kind
            and row.cell in self.cells
            and row.size[3] >= self.units
            and self.batch in (None, row.size[0])
        )


BARS = [
    Bar("LSTM, training, against the best peer", "train", 2.0, 1.05, ("LSTM",)),
    Bar("GRU, training, against the best peer", "train", 4.0, 1.2, ("GRU",)),
    Bar("RNN, training, against the best peer", "train", 4.0, 1.2, ("RNN",)),
    *(
        Bar(f"{cell}, forward, against the best peer", "forward", 1.5, 1.0, (cell,))
        for cell in CELLS
    ),
    Bar("packed, training, against torch", "packed", 5.0, 2.0),
    Bar("streaming step, B = 1, against torch", "stream", 3.0, batch=1),
    *(
        Bar(
            f"{cell}, share of sgemm, training, H >= 256",
            "train",
            0.85,
            0.75,
            (cell,),
            "share",
            256,
        )
        for cell in CELLS
    ),
    Bar("tracing on / off, training", "tracing", 1.05, 1.10, most=True),
    Bar("peak memory of training, ours / torch", "memory", 1.0, 1.05, most=True),
]


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))
