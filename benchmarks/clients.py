"""Existing libraries, unmodified, before and after ``carrousel.adopting``: same losses, less time.

    pip install "carrousel[peers]"
    python -m benchmarks.clients                        # 60 steps each, about 10 minutes
    python -m benchmarks.clients --steps 1000           # a whole fit each, hours
    python -m benchmarks.clients --only "neuralforecast LSTM" --json clients.json

Each client fits a model with its library's own defaults, twice with torch's layers and twice with
ours, in turns; the shorter time of each counts. Rounding differs, and training amplifies it, so the
losses are compared over the first steps, and shown for the last.
"""

import argparse
import contextlib
import json
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._measure import machine

import carrousel

HORIZON = 48
COMPARED = 20  # first steps whose losses must agree
ALLOWED = 1e-3  # relative
Fit = Callable[[int], list[float]]  # steps -> losses


def hourly_panel(series: int = 50, hours: int = 1000) -> np.ndarray:
    """(series, hours) float32: daily and weekly cycles, a level and noise of their own."""
    draw = np.random.default_rng(0)
    t = np.arange(hours)
    day = np.sin(2 * np.pi * (t / 24 + draw.random((series, 1))))
    week = np.sin(2 * np.pi * (t / 168 + draw.random((series, 1))))
    level = draw.uniform(5, 50, (series, 1))
    y = level * (1 + 0.4 * day + 0.2 * week) + draw.normal(0, 1, (series, hours))
    return y.astype(np.float32)


def _trainer(losses: list[float]) -> dict[str, Any]:
    """Lightning's trainer without noise, and a callback that notes the loss of every step."""
    from pytorch_lightning.callbacks import Callback

    class Notes(Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
            losses.append(float(outputs["loss"]))

    quiet = ("logger", "enable_progress_bar", "enable_checkpointing", "enable_model_summary")
    return {"accelerator": "cpu", "callbacks": [Notes()], **dict.fromkeys(quiet, False)}


def neuralforecast(name: str) -> Fit:
    def fit(steps: int) -> list[float]:
        import neuralforecast
        import pandas as pd

        y = hourly_panel()
        times = pd.date_range("2024-01-01", periods=y.shape[1], freq="h")
        frame = pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(len(y)), y.shape[1]),
                "ds": np.tile(times, len(y)),
                "y": y.ravel(),
            }
        )
        losses: list[float] = []
        model = getattr(neuralforecast.models, name)(
            h=HORIZON, input_size=2 * HORIZON, max_steps=steps, random_seed=1, **_trainer(losses)
        )
        neuralforecast.NeuralForecast([model], freq="h").fit(frame)
        return losses

    return fit


def darts(name: str, cell: str, dtype: type) -> Fit:
    def fit(steps: int) -> list[float]:
        from darts import TimeSeries, models

        series = [TimeSeries.from_values(row.astype(dtype) / row.mean()) for row in hourly_panel(8)]
        losses: list[float] = []
        sizes = {"RNNModel": {"training_length": 96}, "BlockRNNModel": {"output_chunk_length": 24}}
        model = getattr(models, name)(
            input_chunk_length=72,
            model=cell,
            hidden_dim=64,
            n_epochs=1000,
            random_state=1,
            pl_trainer_kwargs={**_trainer(losses), "max_steps": steps},
            **sizes[name],
        )
        model.fit(series)
        return losses

    return fit


class Tagger(torch.nn.Module):
    """Two bidirectional layers over packed sentences, as in any tagging tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(2000, 64)
        self.rnn = torch.nn.LSTM(64, 128, 2, bidirectional=True, batch_first=True)
        self.tags = torch.nn.Linear(256, 17)

    def forward(self, words: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        from torch.nn.utils.rnn import pack_padded_sequence

        rows = pack_padded_sequence(self.embed(words), lengths, True, enforce_sorted=False)
        return self.tags(self.rnn(rows)[0].data)


def tagger(steps: int) -> list[float]:
    """Sentences of 3 to 60 words, sorted by nothing; the tag follows from the word."""
    from torch.nn.utils.rnn import pack_padded_sequence

    draw = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Tagger()
    optimizer, losses = torch.optim.Adam(model.parameters()), []
    for _ in range(steps):
        words = torch.randint(2000, (32, 60), generator=draw)
        lengths = torch.randint(3, 61, (32,), generator=draw)
        tags = pack_padded_sequence(words % 17, lengths, True, enforce_sorted=False).data
        loss = torch.nn.functional.cross_entropy(model(words, lengths), tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


CLIENTS: dict[str, tuple[Fit, float]] = {  # name -> (fit, bar: times faster)
    "neuralforecast LSTM": (neuralforecast("LSTM"), 1.6),
    "neuralforecast GRU": (neuralforecast("GRU"), 1.0),
    "neuralforecast DeepAR": (neuralforecast("DeepAR"), 1.0),
    "darts RNNModel LSTM": (darts("RNNModel", "LSTM", np.float32), 1.0),
    "darts RNNModel GRU": (darts("RNNModel", "GRU", np.float32), 1.0),
    "darts BlockRNNModel LSTM": (darts("BlockRNNModel", "LSTM", np.float32), 1.0),
    "darts BlockRNNModel LSTM, float64": (darts("BlockRNNModel", "LSTM", np.float64), 1.0),
    "tagger, bidirectional, packed": (tagger, 1.0),
}


def timed(fit: Fit, steps: int, adopt: bool) -> tuple[float, list[float], int]:
    """(seconds, losses, layers adopted)"""
    with carrousel.adopting() if adopt else contextlib.nullcontext([]) as made:
        start = time.perf_counter()
        losses = fit(steps)
        return time.perf_counter() - start, losses, len(made)


def compare(name: str, steps: int) -> dict[str, Any]:
    fit, bar = CLIENTS[name]
    fit(2)  # imports, first-call costs
    runs = [timed(fit, steps, adopt) for adopt in (False, True, False, True)]
    before, after = min(runs[0][0], runs[2][0]), min(runs[1][0], runs[3][0])
    theirs, ours = runs[0][1], runs[1][1]
    off = max(abs(a - b) / abs(b) for a, b in zip(ours[:COMPARED], theirs[:COMPARED], strict=True))
    return {
        "client": name,
        "steps": len(theirs),
        "layers": runs[1][2],
        "before_s": before,
        "after_s": after,
        "faster": before / after,
        "bar": bar,
        "first_losses_differ_by": off,
        "last_losses": [statistics.fmean(losses[-10:]) for losses in (theirs, ours)],
        "reached": before / after >= bar and off <= ALLOWED and runs[1][2] > 0,
    }


def show(result: dict[str, Any]) -> None:
    theirs, ours = result["last_losses"]
    print(
        f"{result['client']:34} {result['layers']} layers  {result['before_s']:7.1f} s ->"
        f" {result['after_s']:7.1f} s  {result['faster']:5.2f} times (bar {result['bar']})"
        f"  first losses differ by {result['first_losses_differ_by']:.0e}"
        f"  last {theirs:.4f} -> {ours:.4f}  {'reached' if result['reached'] else 'MISSED'}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps of each fit")
    parser.add_argument("--only", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--json", type=Path, help="write every number here")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    about, results = machine(), []
    print(", ".join(f"{key}: {value}" for key, value in about.items()))
    for name in options.only:
        try:
            results.append(compare(name, options.steps))
            show(results[-1])
        except ImportError as reason:
            print(f"{name}: skipped ({reason})")
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "clients": results}, indent=1))


if __name__ == "__main__":
    main()
