"""Time and memory of the forecaster, beside its bare layers and beside neuralforecast's LSTM.

    python benchmarks/forecasting.py --speed                        # all below, about 3 minutes
    python -m benchmarks.forecasting_speed step fit predict one zero panel
    python -m benchmarks.forecasting_speed many --series 1000000    # memory of many short series

The series are made here: 400 of 800 hours (the size of M4 Hourly), a day and a week in each.
"""

import argparse
import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from carrousel import Forecaster
from carrousel.data import Frequency, Panel
from carrousel.forecast.ensemble.training import new_network
from carrousel.forecast.network.windows import Sampler, Windows
from carrousel.forecast.options import Options
from carrousel.forecast.plan import choose
from carrousel.forecast.pretrained.zero_shot import ZeroShot
from carrousel.training import TrainOptions, fit

H, CONTEXT, HIDDEN, BATCH, STEPS = 48, 336, 128, 64, 100
STEP, PERIOD, START = 24, 168, np.datetime64("2024-01-01", "us")


def made(series: int, length: int, freq: str = "1h") -> Panel:
    rng, t = np.random.default_rng(0), np.arange(length)
    wave = np.sin(2 * np.pi * t / STEP) + 0.5 * np.sin(2 * np.pi * t / PERIOD)
    level = rng.uniform(20, 200, (series, 1))
    y = level * (1 + 0.2 * wave) + rng.standard_normal((series, length))
    return Panel(
        y=y.ravel(),
        offsets=np.arange(series + 1) * length,
        ids=list(range(series)),
        start=np.full(series, START),
        freq=Frequency.parse(freq),
    )


def step() -> None:
    """A training step beside the layers of the same shape alone: forward, backward, update."""
    panel = made(400, 800)
    plan = choose(panel, Options(H))
    windows = Windows.of(panel, plan.shape.history, H)
    sampler = Sampler(windows, plan.shape.patch)
    network = new_network(plan.shape, 0, sampler)
    window, offset = sampler.draw(plan.batch_size, torch.Generator())
    shown = network.encode(window[:, :-H], offset=offset)
    grad = torch.randn(*shown.features.shape[:2], network.head.out_features)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def bare(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            network.head(network.recurrence(network.embed(shown.features))[0]).backward(grad)
            optimizer.step()

    def whole(steps: int) -> None:
        options = TrainOptions(steps=steps, average=0.99)
        fit(network, lambda _, g: sampler.draw(plan.batch_size, g), loss, options)

    def loss(model: Any, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        window, offset = batch
        return model.loss(window, offset=offset)

    layers, everything = alternating(partial(bare, 20), partial(whole, 20), rounds=20)
    show("bare layers, a step of 64 windows", f"{50 * layers:.1f} ms")
    show("training, a step", f"{50 * everything:.1f} ms, {everything / layers - 1:.0%} more")


def fit_both() -> None:
    """Fit and predict beside neuralforecast's LSTM: same layers, context, batch and steps."""
    panel = made(400, 800)
    ours = {"hidden_size": HIDDEN, "num_layers": 2, "batch_size": BATCH, "max_steps": STEPS}
    ways = {"a day a step": {}, "an hour a step": {"season_length": 1}}
    times = {name: timed(panel, ours | more) for name, more in ways.items()}
    peer = neuralforecast(panel)
    show("neuralforecast LSTM, fit + predict", f"{peer[0]:.1f} + {peer[1]:.1f} s")
    for name, (learn, forecast) in times.items():
        ratio = sum(peer) / (learn + forecast)
        text = f"{learn:.1f} + {forecast:.2f} s, {ratio:.1f} times faster"
        show(f"carrousel, {name}, fit + predict", text)


def timed(panel: Panel, options: dict[str, Any]) -> tuple[float, float]:
    forecaster = Forecaster(H, context=CONTEXT, ensemble=1, **options)
    began = time.perf_counter()
    forecaster.fit(panel)
    learned = time.perf_counter()
    forecaster.predict()
    return learned - began, time.perf_counter() - learned


def neuralforecast(panel: Panel) -> tuple[float, float]:
    """(seconds to fit, to predict) of the same sizes: one LSTM that reads an hour a step."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    ids = np.repeat(panel.ids, panel.lengths)
    times = np.concatenate([panel.times(s) for s in range(panel.n_series)])
    frame = pd.DataFrame({"unique_id": ids, "ds": times, "y": panel.y})
    quiet = ("logger", "enable_progress_bar", "enable_checkpointing", "enable_model_summary")
    model = LSTM(
        h=H, input_size=CONTEXT, encoder_hidden_size=HIDDEN, encoder_n_layers=2,
        batch_size=BATCH, windows_batch_size=BATCH, max_steps=STEPS, accelerator="cpu",
        **dict.fromkeys(quiet, False),
    )  # fmt: skip
    framework = NeuralForecast([model], freq="h")
    began = time.perf_counter()
    framework.fit(frame)
    learned = time.perf_counter()
    framework.predict()
    return learned - began, time.perf_counter() - learned


def predict() -> None:
    """10,000 series, 48 steps, the default ensemble."""
    forecaster = Forecaster(H, hidden_size=HIDDEN, max_steps=2).fit(made(100, 800))
    panel = made(10_000, 400)
    forecaster.predict(panel)
    began = time.perf_counter()
    forecaster.predict(panel)
    show("predict 10,000 series, 48 steps, 4 networks", f"{time.perf_counter() - began:.2f} s")


def one() -> None:
    """One series by a model that was loaded."""
    with tempfile.TemporaryDirectory() as folder:
        Forecaster(H, hidden_size=HIDDEN, max_steps=2).fit(made(100, 800)).save(folder)
        forecaster = Forecaster.load(folder)
    panel = made(1, 800)
    times = [seconds(lambda: forecaster.predict(panel)) for _ in range(30)]
    show("predict one series, 48 steps, 4 networks", f"{1e3 * statistics.median(times):.1f} ms")


def zero() -> None:
    """Forecasts without training of 400 series, and of one: hours and months."""
    for name, seasons, length in (("512 hours", (STEP, PERIOD), 512), ("120 months", (12,), 120)):
        many, single = made(400, length), made(1, length)
        zero_shot = ZeroShot(seasons)
        took = alternating(
            lambda z=zero_shot, p=many: z.window_quantiles(p, [0], H),
            lambda z=zero_shot, p=single: z.window_quantiles(p, [0], H),
        )
        text = f"{400 / took[0]:.0f} series/s, one in {1e3 * took[1]:.1f} ms"
        show(f"pretrained, {name}, {H} steps", text)


def panel() -> None:
    """What a panel holds, beside its values."""
    made_ = made(400, 800)
    names = sum(map(sys.getsizeof, made_.ids)) + sys.getsizeof(made_.ids)
    held = made_.y.nbytes + made_.offsets.nbytes + made_.start.nbytes + names
    show("memory of a panel, times its values", f"{held / made_.y.nbytes:.2f}")


def many(series: int) -> None:
    """Reading, fitting (100 updates a network) and forecasting 2,000 of many series of 30."""
    import polars as pl

    from carrousel.data import to_panel

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        pl.DataFrame(
            {
                "unique_id": np.repeat(np.arange(series), 30),
                "ds": np.tile(np.arange(30), series),
                "y": rng.normal(10, 2, 30 * series).astype(np.float32),
            }
        ).write_parquet(f"{folder}/many.parquet")
        before = peak()
        began = time.perf_counter()
        table, _ = to_panel(f"{folder}/many.parquet")
        read = time.perf_counter()
    forecaster = Forecaster(6, max_steps=100).fit(table)
    learned = time.perf_counter()
    forecaster.predict(table.select(np.arange(2000)))
    text = f"read in {read - began:.0f} s, fit in {learned - read:.0f} s, peak {peak():.1f} GB"
    show(f"{series:,} series of 30", f"{text} (making the file: {before:.1f} GB)")


def peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def alternating(*calls: Callable[[], None], rounds: int = 5) -> list[float]:
    """Median seconds of each; they take turns, so that all see the same machine."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(rounds):
        for k, call in enumerate(calls):
            times[k].append(seconds(call))
    return [statistics.median(each) for each in times]


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def show(what: str, result: str) -> None:
    print(f"{what:46}{result}", flush=True)


PARTS = {
    "step": step,
    "fit": fit_both,
    "predict": predict,
    "one": one,
    "zero": zero,
    "panel": panel,
}


def main(parts: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "many", []])
    parser.add_argument("--series", type=int, default=1_000_000, help="of `many`")
    arguments = parser.parse_args(parts)
    for name in arguments.parts or list(PARTS):
        many(arguments.series) if name == "many" else PARTS[name]()


if __name__ == "__main__":
    main()
