"""The public interface as its users write it: nothing here runs, type checkers read it.

``tests/test_types.py`` asks mypy, strictly; ``make types`` asks pyright, too.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from typing_extensions import assert_type

import carrousel
from carrousel import Forecaster, LanguageModel, explain, lab
from carrousel.data import Frequency, Panel, ReadOptions, load_sample, to_panel
from carrousel.forecast import QUANTILES, Evaluation, Pretrained
from carrousel.forecast.evaluation import METRICS, Metric
from carrousel.record import Record, Records


def layers(x: Tensor, packed: PackedSequence) -> None:
    lstm = carrousel.LSTM(3, 5, num_layers=2, batch_first=True, forget_bias=1.0)
    y, (h, c) = lstm(x)
    assert_type(y, Tensor)
    assert_type(c, Tensor)
    y, (h, c) = lstm(x, (h, c))
    rows, _ = lstm(packed)
    assert_type(rows, PackedSequence)
    y, h = carrousel.GRU(3, 5, bidirectional=True, dtype=torch.float64)(x)
    assert_type(h, Tensor)
    y, h = carrousel.RNN(3, 5, 1, "relu")(x)
    _, _, states = lstm(x, (h, c), return_states=True)
    assert_type(states.hidden, Tensor)
    assert_type(states.gates["forget"], Tensor)
    rows, h, states = carrousel.GRU(3, 5)(packed, return_states=True)
    assert_type(rows, PackedSequence)
    assert_type(states.cell, Tensor | None)
    h, c = carrousel.LSTMCell(3, 5)(x)
    h = carrousel.GRUCell(3, 5)(x, h)
    h = carrousel.RNNCell(3, 5)(x)
    carrousel.release(carrousel.adopt(torch.nn.LSTM(3, 5)).module)


def seen(model: torch.nn.Module, x: Tensor) -> None:
    with carrousel.trace(model) as trace:
        model(x)
    record = trace["rnn"]
    assert_type(record, Record)
    assert_type(record.hidden, Tensor)
    assert_type(record.gates["forget"], Tensor)
    trace.save("trace.safetensors")
    loaded = carrousel.load_trace("trace.safetensors")
    assert_type(loaded, Records)
    ledger = explain.ledger(record)
    assert_type(ledger, explain.Ledger)
    assert_type(explain.half_life(record), explain.HalfLife)
    assert_type(explain.survival(record), Tensor)
    figure: Any = explain.half_life(record).plot()
    figure.savefig("half-life.png")


def forecasts(table: Any) -> None:
    forecaster = Forecaster(12, effort="fast", season_length=[12], day_first=True, seed=1)
    assert_type(forecaster.fit(table), Forecaster)
    evaluation = forecaster.evaluate(table, windows=2, level=[80, 95])
    assert_type(evaluation, Evaluation)
    verdict: str = evaluation.verdict
    frame: Any = forecaster.predict(level=[80])
    forecaster.update(frame).save(Path("model")) if verdict else None
    assert_type(Forecaster.load("model"), Forecaster)
    assert_type(Forecaster.pretrained(), Pretrained)
    assert_type(METRICS[0], Metric)
    assert_type(QUANTILES[0], float)


def tables(table: Any) -> None:
    panel, _ = to_panel(load_sample("airline"))
    assert_type(panel, Panel)
    assert_type(panel.freq, Frequency)
    assert_type(panel.n_series, int)
    assert_type(ReadOptions(decimal=",").decimal, str | None)


def words() -> None:
    model = LanguageModel("char", hidden=16, steps=10, dropout=0.1).fit(["a.txt"], valid=0.1)
    assert_type(model.perplexity("text"), float)
    assert_type(model.next("a", k=3), list[tuple[str, float]])
    text: str = "".join(model.generate("a", length=5))
    model.save("model") if text else None


def experiments() -> None:
    outcome = lab.run("adding", lab.Options(quick=True))
    assert_type(outcome, lab.Outcome)
    claims: list[str] = [finding.claim for finding in outcome.findings]
    claims.sort()
