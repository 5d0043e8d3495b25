"""Numbers from the literature that ours stand beside.

HS97: Hochreiter & Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997. Their LSTM
has no forget gate and learns online with plain gradient descent, one sequence an update; ours
learns with Adam on batches. Sequences seen is the unit that both have.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Sequences until success, as printed; ``wrong`` of 2,560 test sequences."""

    task: str
    network: str
    sequences: int | None  # None: never
    solved: str
    weights: int
    wrong: int | None
    source: str

    @property
    def text(self) -> str:
        reached = "never" if self.sequences is None else f"{self.sequences:,}"
        share = f" ({self.solved} of runs)" if self.solved else ""
        return f"{reached}{share}, {self.source}"


HS97 = "HS97"
ALL = [
    Published("adding T=100", "LSTM", 74_000, "", 93, 1, f"{HS97}, experiment 4"),
    Published("adding T=500", "LSTM", 209_000, "", 93, 0, f"{HS97}, experiment 4"),
    Published("adding T=1000", "LSTM", 853_000, "", 93, 1, f"{HS97}, experiment 4"),
    Published("temporal order 6a", "LSTM", 31_390, "", 156, 1, f"{HS97}, experiment 6"),
    Published("temporal order 6b", "LSTM", 571_100, "", 308, 2, f"{HS97}, experiment 6"),
    Published("embedded Reber", "LSTM", 8_440, "100 %", 276, None, f"{HS97}, experiment 1"),
    Published("embedded Reber", "RTRL", 25_000, "some", 494, None, f"{HS97}, experiment 1"),
    Published("embedded Reber", "RCC", 182_000, "50 %", 198, None, f"{HS97}, experiment 1"),
    Published("embedded Reber", "Elman", None, "0 %", 435, None, f"{HS97}, experiment 1"),
]


def numbers(task: str, network: str | None = None) -> list[Published]:
    return [entry for entry in ALL if entry.task == task and network in (None, entry.network)]
