"""Small networks with gates and states changed, by carrousel.intervene: what binds both texts.

    python -m tests.vectors.changes        # writes changes.json anew

``tests/test_changed_vectors.py`` makes them once more, the page's JavaScript is held to them by
``tests/web/js/changes.test.js``. To be written again when an equation changes, and never to make a
test pass.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import carrousel

FILE = Path(__file__).with_suffix(".json")
DIGITS = 10
STEPS, INPUTS, UNITS, OUTPUTS = 6, 3, 4, 5
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

CHANGES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "nothing": ("lstm", []),
    "a forget gate held open": ("lstm", [{"name": "forget", "from": 1, "to": 4, "value": 1.0}]),
    "an input gate held shut": ("lstm", [{"name": "input", "from": 2, "to": 5, "value": 0.0}]),
    "an output gate, two units": (
        "lstm",
        [{"name": "output", "from": 0, "to": 5, "units": [1, 3], "value": 0.25}],
    ),
    "another memory at a step": (
        "lstm",
        [
            {"name": "cell", "from": 3, "to": 3, "value": [0.5, -1.0, 2.0, 0.0]},
            {"name": "hidden", "from": 3, "to": 3, "value": [0.1, -0.2, 0.9, 0.0]},
        ],
    ),
    "a cell state and the gate that shows it": (
        "lstm",
        [
            {"name": "cell", "from": 2, "to": 2, "units": [0], "value": 1.5},
            {"name": "output", "from": 2, "to": 2, "value": 1.0},
        ],
    ),
    "in the lower layer": (
        "lstm",
        [{"layer": 0, "name": "candidate", "from": 1, "to": 1, "value": -0.5}],
    ),
    "a reset gate held shut": ("gru", [{"name": "reset", "from": 1, "to": 4, "value": 0.0}]),
    "an update gate held open": ("gru", [{"name": "update", "from": 2, "to": 3, "value": 1.0}]),
    "a candidate and a state": (
        "gru",
        [
            {"name": "candidate", "from": 1, "to": 1, "units": [2], "value": 0.75},
            {"name": "hidden", "from": 4, "to": 4, "value": [0.5, 0.5, -0.5, 0.0]},
        ],
    ),
    "a plain state": ("rnn", [{"name": "hidden", "from": 2, "to": 2, "value": 0.3}]),
}


class Net(torch.nn.Module):
    """Two layers and a head, as the page has them."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        made = {"lstm": carrousel.LSTM, "gru": carrousel.GRU, "rnn": carrousel.RNN}[kind]
        self.rnn = made(INPUTS, UNITS, num_layers=2, dtype=torch.float64)
        self.head = torch.nn.Linear(UNITS, OUTPUTS, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0])


def case(name: str) -> dict[str, Any]:
    kind, changes = CHANGES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(len(name))
        net, x = Net(kind), torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    for parameter in net.parameters():  # what is stored is what is computed with
        parameter.data = parameter.data.mul(1e6).round().div(1e6)
    x = x.mul(1e6).round().div(1e6)
    full = [{"layer": 1} | change for change in changes]
    with torch.no_grad(), carrousel.intervene(net) as change, carrousel.trace(net) as trace:
        for one in full:
            change.set(
                one["name"],
                torch.tensor(one["value"], dtype=torch.float64),
                steps=range(one["from"], one["to"] + 1),
                units=one.get("units"),
                level=one["layer"],
            )
        output = net(x)
    record = trace[-1]
    states = {"hidden": record.hidden, "cell": record.cell, **record.gates}
    layers = [
        {n: _numbers(s[level, :, 0]) for n, s in states.items() if s is not None}
        for level in range(2)
    ]
    weights = [
        {n: _numbers(getattr(net.rnn, f"{n}_l{level}")) for n in NAMES} for level in range(2)
    ]
    head = {"weight": _numbers(net.head.weight), "bias": _numbers(net.head.bias)}
    model = {"format": 1, "kind": kind, "layers": weights, "head": head}
    found = {"name": name, "model": model, "inputs": _numbers(x), "changes": full}
    return found | {"output": _numbers(output), "layers": layers}


def cases() -> list[dict[str, Any]]:
    return [case(name) for name in CHANGES]


def _numbers(tensor: Tensor) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in tensor.detach().flatten().tolist()]


if __name__ == "__main__":
    FILE.write_text(json.dumps(cases()) + "\n", "utf-8")
