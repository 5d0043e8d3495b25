"""The whole of an everyday training step: forward, loss, backward, AdamW, ours beside torch's.

    python -m benchmarks.training_step                        # H 64, B 32, T 64
    python -m benchmarks.training_step --threads 1 --parts    # where the time goes

An LSTM, a linear layer on every step's output (or, with ``--last``, on the last), mean squared
error, AdamW. Both start from the same weights and must have the same loss after twenty steps. Three
take turns: torch's layer and its AdamW as it comes, the same with ``fused=True``, ours with
``carrousel.training.adamw``. Median of nine.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._measure import alternating, machine

import carrousel
from carrousel.training.adamw import AdamW

RATE, DECAY = 1e-3, 0.01


class Model(nn.Module):
    def __init__(self, layer: nn.Module, units: int, last: bool) -> None:
        super().__init__()
        self.layer, self.head, self.last = layer, nn.Linear(units, 1), last

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)[0]
        return self.head(y[:, -1] if self.last else y)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", default="LSTM", choices=("LSTM", "GRU", "RNN"))
    for name, size in (("batch", 32), ("steps", 64), ("inputs", 8), ("units", 64)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--last", action="store_true", help="loss of the last step alone")
    parser.add_argument("--parts", action="store_true", help="time forward, backward, AdamW apart")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    steps = {name: training(name, given) for name in ("torch", "torch, fused AdamW", "carrousel")}
    losses = {name: [step() for _ in range(20)][-1] for name, (step, _) in steps.items()}
    if max(losses.values()) - min(losses.values()) > 1e-4:
        print(f"the losses after 20 steps differ: {losses}")
        return 1
    print(machine())
    size = f"{given.batch} x {given.steps}, I {given.inputs}, H {given.units}"
    print(f"{given.cell} {size}, {given.threads} threads, milliseconds")
    show("whole step", {name: step for name, (step, _) in steps.items()})
    for part in ("forward", "forward and backward", "AdamW") if given.parts else ():
        show(part, {name: parts[part] for name, (_, parts) in steps.items()})
    return 0


def show(label: str, calls: dict[str, Callable[[], Any]]) -> None:
    seconds = alternating(calls)
    ours = seconds["carrousel"]
    words = ", ".join(f"{name} {1000 * t:.3f} ({t / ours:.2f})" for name, t in seconds.items())
    print(f"{label}: {words}")


def training(name: str, given: Any) -> tuple[Callable[[], float], dict[str, Callable[[], Any]]]:
    """One step, and its parts."""
    torch.manual_seed(0)
    kinds = carrousel if name == "carrousel" else nn
    layer = getattr(kinds, given.cell)(given.inputs, given.units, batch_first=True)
    model = Model(layer, given.units, given.last)
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(given.batch, given.steps, given.inputs, generator=draw)
    wanted = torch.randn(x.size(0), *(() if given.last else (x.size(1),)), 1, generator=draw)
    descend, clear = optimizer(name, model)

    def forward() -> Tensor:
        return nn.functional.mse_loss(model(x), wanted)

    def both() -> Tensor:
        clear()
        loss = forward()
        loss.backward()
        return loss

    def step() -> float:
        loss = both()
        descend()
        return loss.item()

    return step, {"forward": forward, "forward and backward": both, "AdamW": descend}


def optimizer(name: str, model: nn.Module) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A step of it, and what takes the gradients away. Neither decays biases."""
    if name == "carrousel":
        mine = AdamW(model.parameters(), DECAY)
        return lambda: mine.step(RATE), mine.zero_grad
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    fused = True if "fused" in name else None
    theirs = torch.optim.AdamW(groups, lr=RATE, weight_decay=DECAY, fused=fused)
    return theirs.step, theirs.zero_grad


if __name__ == "__main__":
    sys.exit(main())
