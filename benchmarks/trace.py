"""What tracing costs: training steps with and without a trace, in turns.

python benchmarks/trace.py
"""

import statistics
import time
from contextlib import nullcontext

import torch
from torch import nn

import carrousel

SIZES = {  # kind, steps, batch, inputs, hidden
    "LSTM, series": (carrousel.LSTM, 168, 64, 1, 64),
    "LSTM, text": (carrousel.LSTM, 64, 32, 128, 256),
    "GRU, series": (carrousel.GRU, 168, 64, 1, 64),
    "GRU, text": (carrousel.GRU, 64, 32, 128, 256),
}


class Model(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], inputs: int, hidden: int) -> None:
        super().__init__()
        self.rnn = kind(inputs, hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0])


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()


def measure(name: str, repeats: int = 60) -> tuple[float, float]:
    """Median seconds of a training step, plain and traced."""
    kind, steps, batch, inputs, hidden = SIZES[name]
    model, x = Model(kind, inputs, hidden), torch.randn(steps, batch, inputs)
    optimizer = torch.optim.Adam(model.parameters())
    times: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * repeats + 10):
        traced = bool(turn % 2)
        start = time.perf_counter()
        with carrousel.trace(model) if traced else nullcontext():
            step(model, optimizer, x)
        if turn >= 10:
            times[traced].append(time.perf_counter() - start)
    return statistics.median(times[False]), statistics.median(times[True])


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':14}  plain (ms)  traced (ms)  ratio")
    for name in SIZES:
        plain, traced = measure(name)
        print(f"{name:14}  {1e3 * plain:10.2f}  {1e3 * traced:11.2f}  {traced / plain:5.3f}")


if __name__ == "__main__":
    main()
