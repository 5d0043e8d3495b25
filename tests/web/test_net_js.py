"""The network in the page: node's own tests, and every number beside Python's."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch import Tensor

from carrousel import nn, trace
from carrousel.lab import cell as lab_cell
from carrousel.lab.gradients import NAMES, update_shares
from carrousel.ops import reference
from carrousel.ops.cells import CELLS

ROOT = Path(__file__).parents[2]
JS = Path(__file__).parent / "js"
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}  # float32 against the page's float64

node = shutil.which("node")
pytestmark = pytest.mark.skipif(
    node is None, reason="node is missing (Debian: apt-get install nodejs); the page's numbers wait"
)


def run_node(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(node), *arguments], input=stdin, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_javascript_unit_tests():
    files = sorted(str(path.relative_to(ROOT)) for path in JS.glob("*.test.js"))
    assert files
    done = run_node("--test", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pages_table_of_cells_is_pythons():
    script = """import { CELLS, TAUGHT } from "./src/carrousel/web/static/net/cells.js";
    import { STEPS, SHAPES } from "./src/carrousel/web/static/views/cell/shapes.js";
    const table = Object.entries(CELLS).map(([name, cell]) => [name, cell.gates, cell.blocks,
      cell.hasCell, cell.keeps, cell.exposes, cell.writes !== null]);
    const drawn = [STEPS, SHAPES].map((drawings) => Object.keys(drawings));
    console.log(JSON.stringify({ table, taught: TAUGHT, drawn }));"""
    done = run_node("--input-type=module", "-e", script)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["table"] == [
        [c.name, list(c.gates), c.blocks, c.has_cell, c.keeps, c.exposes, c.writes is not None]
        for c in CELLS.values()
    ]
    assert set(found["taught"]) <= CELLS.keys()
    assert found["drawn"] == [list(CELLS), list(CELLS)]


class Net(torch.nn.Module):
    """Layers and a head, as the page has them."""

    def __init__(self, kind: str, sizes: tuple[int, int, int, int]) -> None:
        super().__init__()
        inputs, hidden, depth, outputs = sizes
        self.rnn = LAYERS[kind](inputs, hidden, num_layers=depth)
        self.head = torch.nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0])


def as_json(net: Net, kind: str, dtype: str) -> dict:
    state = net.state_dict()
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    depth = net.rnn.num_layers
    layers = [{n: encode(state[f"rnn.{n}_l{k}"], dtype) for n in names} for k in range(depth)]
    head = {"weight": encode(net.head.weight, dtype), "bias": encode(net.head.bias, dtype)}
    return {"format": 1, "kind": kind, "layers": layers, "head": head}


def encode(weight: Tensor, dtype: str) -> object:
    numbers = weight.detach()
    if dtype == "list":
        return numbers.flatten().tolist()
    data = numbers.to(getattr(torch, dtype)).numpy().tobytes()
    return {"dtype": dtype, "base64": base64.b64encode(data).decode()}


def in_page(net: Net, kind: str, x: Tensor, above: Tensor, dtype: str = "list") -> dict:
    question = {
        "model": as_json(net, kind, dtype),
        "inputs": x[:, 0].tolist(),
        "gradOutput": above.flatten().tolist(),
    }
    done = run_node(str(JS / "parity.js"), stdin=json.dumps(question))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same(found: list, wanted: Tensor) -> None:
    torch.testing.assert_close(torch.tensor(found), wanted.detach().flatten(), **CLOSE)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("steps", "sizes"),
    [(7, (3, 5, 1, 2)), (6, (2, 17, 2, 4)), (1, (1, 1, 1, 1))],
    ids=["one layer", "two layers, 17 units", "one step of one unit"],
)
def test_page_and_python_agree(kind, steps, sizes):
    torch.manual_seed(steps)
    net, x = Net(kind, sizes), torch.randn(steps, 1, sizes[0])
    above = torch.randn(steps, 1, sizes[3])
    with trace(net) as traced:
        output = net(x)
        output.backward(above)
    record = traced["rnn"]
    page = in_page(net, kind, x, above)
    same(page["output"], output)
    for k, (layer, states) in enumerate(zip(page["layers"], page["states"], strict=True)):
        same(layer["hidden"], record.hidden[k])
        same(states["gradHidden"], record.grad_hidden[k])
        for name, values in layer["gates"].items():
            same(values, record.gates[name][k])
        if kind == "lstm":
            same(layer["cell"], record.cell[k])
            same(states["gradCell"], record.grad_cell[k])
    if sizes[2] > 1:
        for name, values in page["grads"].items():
            same(values, getattr(net.rnn, f"{name}_l0").grad)


@pytest.mark.parametrize("kind", LAYERS)
def test_operations_are_those_of_the_laboratory(kind):
    torch.manual_seed(3)
    net, x = Net(kind, (2, 4, 1, 1)), torch.randn(3, 1, 2)
    page = in_page(net, kind, x, torch.zeros(3))["operations"]
    h = c = None
    for row in x[:, 0]:
        step = lab_cell.step(net.rnn, row, h, c)
        h, c = step.hidden, step.cell
    assert [o["name"] for o in page] == [o.name for o in step]
    assert [o["formula"] for o in page] == [o.formula for o in step]
    for found, wanted in zip(page, step, strict=True):
        assert found["role"] == wanted.role
        same(found["value"], wanted.value)


def state_jacobians(layer: torch.nn.RNNBase, x: Tensor) -> Tensor:
    """Spectral norm of dh_T/ds_t for t = 0 ... T; s = (h, c) or h, free of what came before."""
    weights = [layer.get_parameter(name).detach() for name in NAMES]
    size = layer.hidden_size
    state, norms = torch.zeros(2 * size if layer.mode == "LSTM" else size), []

    def follow(s: Tensor, rows: Tensor) -> Tensor:
        h, c = s[None, :size], s[None, size:]
        for row in rows:
            h, c, _ = reference.step(layer.mode, row[None], h, c, weights)
        return torch.cat([h, c], 1)[0] if layer.mode == "LSTM" else h[0]

    for t in range(len(x) + 1):
        rows = x[t:, 0]
        full = torch.autograd.functional.jacobian(lambda s, rows=rows: follow(s, rows), state)
        norms.append(torch.linalg.matrix_norm(full[:size], 2))
        state = follow(state, x[t : t + 1, 0])
    return torch.stack(norms)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_through_time_are_those_of_the_laboratory(kind):
    torch.manual_seed(4)
    net, x = Net(kind, (2, 6, 1, 3)), torch.randn(12, 1, 2)
    last = net(x)[-1, 0]
    above = torch.zeros(12, 3)
    above[-1] = last.detach().softmax(-1) - torch.tensor([0.0, 1.0, 0.0])  # cross-entropy, class 1
    page = in_page(net, kind, x, above)
    same(page["jacobian"], state_jacobians(net.rnn, x))
    shares, _ = update_shares(net.rnn, net.head, x, torch.tensor([1]))
    same(page["states"][0]["shares"], shares.flip(0).float())


def test_half_precision_files_keep_the_page_close():
    torch.manual_seed(5)
    net, x = Net("lstm", (3, 8, 1, 2)), torch.randn(20, 1, 3)
    whole = in_page(net, "lstm", x, torch.zeros(40), "float32")["output"]
    half = in_page(net, "lstm", x, torch.zeros(40), "float16")["output"]
    same(whole, net(x))
    torch.testing.assert_close(torch.tensor(half), torch.tensor(whole), rtol=0, atol=2e-3)


def test_a_model_in_a_byte_a_number_is_the_same_on_the_page():
    """What was rounded once is read without loss: page and Python differ by their sums alone."""
    from carrousel.storage import int8_rows
    from carrousel.web.tensors import decode, encode

    torch.manual_seed(6)
    net, x = Net("lstm", (9, 11, 1, 2)), torch.randn(20, 1, 9)
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 2:
                parameter.copy_(torch.from_numpy(int8_rows.rounded(parameter.numpy())))
    model, state = as_json(net, "lstm", "list"), net.state_dict()
    for name in ("weight_ih", "weight_hh"):
        stored = encode(state[f"rnn.{name}_l0"])
        assert stored["dtype"] == "int8"
        assert torch.equal(torch.from_numpy(decode(stored)), state[f"rnn.{name}_l0"])
        model["layers"][0][name] = stored
    question = {"model": model, "inputs": x[:, 0].tolist(), "gradOutput": [0.0] * 40}
    done = run_node(str(JS / "parity.js"), stdin=json.dumps(question))
    assert done.returncode == 0, done.stderr
    same(json.loads(done.stdout)["output"], net(x))
