"""What changing a run costs: traced runs with three of 512 steps changed, or none, in turns.

python benchmarks/intervention.py
"""

import statistics
import time
from contextlib import ExitStack

import torch

import carrousel

STEPS = 512
CHANGED = (100, 250, 400)
SIZES = {  # kind, batch, inputs, hidden, both directions
    "LSTM, small": (carrousel.LSTM, 32, 16, 64, False),
    "LSTM, large": (carrousel.LSTM, 32, 128, 256, False),
    "LSTM, two-way": (carrousel.LSTM, 32, 64, 128, True),
    "GRU, small": (carrousel.GRU, 32, 16, 64, False),
    "GRU, large": (carrousel.GRU, 32, 128, 256, False),
    "LSTM, one": (carrousel.LSTM, 1, 16, 128, False),
}


def measure(name: str, train: bool, repeats: int = 15) -> tuple[float, float]:
    """Median seconds of a traced run, as it is and changed."""
    kind, batch, inputs, hidden, both = SIZES[name]
    layer = kind(inputs, hidden, bidirectional=both).train(train)
    x = torch.randn(STEPS, batch, inputs)
    times: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * repeats + 4):
        changed = bool(turn % 2)
        start = time.perf_counter()
        with ExitStack() as stack:
            stack.enter_context(torch.set_grad_enabled(train))
            stack.enter_context(carrousel.trace(layer))
            if changed:
                change = stack.enter_context(carrousel.intervene(layer))
                change.set("hidden", 0.5, steps=list(CHANGED), units=[1, 2])
            output, _ = layer(x)
            if train:
                output.sum().backward()
        if turn >= 4:
            times[changed].append(time.perf_counter() - start)
    return statistics.median(times[False]), statistics.median(times[True])


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':26}  traced (ms)  changed (ms)  ratio")
    for train in (False, True):
        for name in SIZES:
            plain, changed = measure(name, train)
            title = f"{name}, {'training' if train else 'forward'}"
            print(f"{title:26}  {1e3 * plain:11.2f}  {1e3 * changed:12.2f}  {changed / plain:5.3f}")


if __name__ == "__main__":
    main()
