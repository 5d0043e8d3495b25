"""The contestants: ours, torch.nn, ONNX Runtime and JAX, all with the weights of one torch layer.

A contestant is a function without arguments that runs one step and returns what it computed, as
something :func:`arrays` turns into numpy arrays in one order: the output, then, where it trains,
the gradients of x and of every weight.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks._grid import Row
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import carrousel

Step = Callable[[], Any]


class Missing(Exception):
    """This peer is not installed, or does not do this."""


def setting(row: Row) -> tuple[nn.RNNBase, nn.RNNBase, Any, Tensor]:
    """(torch's layer, ours with the same weights, x, dL/dy) for a row."""
    batch, steps, inputs, units = row.size
    dtype = torch.float64 if row.kind == "float64" else torch.float32
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        options = {"num_layers": row.layers, "bidirectional": row.directions == 2, "dtype": dtype}
        theirs = getattr(nn, row.cell)(inputs, units, **options)
        ours = getattr(carrousel, row.cell)(inputs, units, **options)
        x = torch.randn(steps, batch, inputs, dtype=dtype)
        grad = torch.randn(steps, batch, units * row.directions, dtype=dtype)
        lengths = torch.randint(max(1, steps // 10), steps + 1, (batch,))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    if row.kind == "packed":
        lengths[0] = steps
        x = pack_padded_sequence(x, lengths, enforce_sorted=False)
        grad = pack_padded_sequence(grad, lengths, enforce_sorted=False).data
    return theirs, ours, x, grad


def trains(layer: nn.RNNBase, x: Any, grad: Tensor) -> Step:
    """Forward and backward by torch's autograd: gradients of x and all weights."""
    data = (x.data if isinstance(x, PackedSequence) else x).clone().requires_grad_()
    given = x._replace(data=data) if isinstance(x, PackedSequence) else data
    wanted = [data, *layer.parameters()]

    def step() -> Any:
        output, _ = layer(given)
        output = output.data if isinstance(output, PackedSequence) else output
        return (output, *torch.autograd.grad(output, wanted, grad))

    return step


def forwards(layer: nn.RNNBase, x: Tensor) -> Step:
    def step() -> Any:
        with torch.no_grad():
            return layer(x)[:1]

    return step


STREAM = 50  # steps of a stream that one measurement takes


def streams(layer: nn.RNNBase, x: Tensor) -> Step:
    """T = 1 again and again, the state carried from call to call."""

    def step() -> Any:
        state = None
        with torch.no_grad():
            for _ in range(STREAM):
                output, state = layer(x, state)
        return (output,)

    return step


def traced(layer: nn.RNNBase, x: Tensor, grad: Tensor) -> Step:
    plain = trains(layer, x, grad)

    def step() -> Any:
        with carrousel.trace(layer):
            return plain()

    return step


# --- ONNX Runtime: one node per layer

_ONNX_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}  # i o f c, z r h


def onnx_runtime(row: Row, layer: nn.RNNBase, x: Tensor, threads: int) -> Step:
    """Forward by ONNX Runtime's fused recurrent operator."""
    return onnx_step(_onnx_model(row, layer), x, threads)


def onnx_step(model: bytes, x: Tensor, threads: int) -> Step:
    """ "y" of a model in ONNX Runtime, given "x"."""
    try:
        import onnxruntime
    except ImportError as error:
        raise Missing("onnxruntime is not installed") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy()}
    return lambda: session.run(["y"], feed)


def _onnx_model(row: Row, layer: nn.RNNBase) -> bytes:
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise Missing("onnx is not installed") from error
    nodes, constants, value = [], [], "x"
    for number in range(row.layers):
        names = [f"{kind}{number}" for kind in "WRB"]
        for name, array in zip(names, _onnx_weights(row, layer, number), strict=True):
            constants.append(numpy_helper.from_array(array, name))
        options: dict[str, Any] = {"hidden_size": row.size[3]}
        options["direction"] = "bidirectional" if row.directions == 2 else "forward"
        if row.cell == "GRU":
            options["linear_before_reset"] = 1  # torch's variant
        nodes.append(helper.make_node(row.cell, [value, *names], [f"s{number}"], **options))
        nodes.append(
            helper.make_node("Transpose", [f"s{number}"], [f"t{number}"], perm=(0, 2, 1, 3))
        )
        last = number == row.layers - 1
        value = "y" if last else f"y{number}"
        nodes.append(helper.make_node("Reshape", [f"t{number}", "shape"], [value]))
    constants.append(numpy_helper.from_array(np.array([0, 0, -1]), "shape"))
    batch, steps, inputs, _ = row.size
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (steps, batch, inputs))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def _onnx_weights(row: Row, layer: nn.RNNBase, number: int) -> list[np.ndarray]:
    """W (D, G*H, I), R (D, G*H, H), B (D, 2*G*H), gates in ONNX's order."""
    stacks: list[list[np.ndarray]] = [[], [], []]
    for suffix in ("", "_reverse")[: row.directions]:
        parts = []
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            blocks = getattr(layer, f"{name}_l{number}{suffix}").detach().chunk(_gates(row))
            parts.append(torch.cat([blocks[gate] for gate in _ONNX_GATES[row.cell]]).numpy())
        stacks[0].append(parts[0])
        stacks[1].append(parts[1])
        stacks[2].append(np.concatenate(parts[2:]))
    return [np.stack(stack) for stack in stacks]


def _gates(row: Row) -> int:
    return len(_ONNX_GATES[row.cell])


# --- reading results


def arrays(result: Any) -> list[np.ndarray]:
    return [a.detach().numpy() if isinstance(a, Tensor) else np.asarray(a) for a in result]


def disagreement(ours: Any, theirs: Any) -> float:
    """Largest difference over the largest entry, over all arrays of two results."""
    worst = 0.0
    for a, b in zip(arrays(ours), arrays(theirs), strict=True):
        if a.shape != b.shape:
            return float("inf")
        worst = max(worst, float(np.abs(a - b).max() / np.abs(b).max()))
    return worst
