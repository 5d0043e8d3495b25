"""The layers in JAX, as its users write them: ``lax.scan`` over time, compiled by ``jit``.

The input projection of all steps is one product before the scan, which is the fastest form known.
"""

from typing import Any

from benchmarks._grid import Row
from benchmarks._peers import Missing, Step
from torch import Tensor, nn


def _jax() -> Any:
    try:
        import jax
    except ImportError as error:
        raise Missing("jax is not installed") from error
    jax.config.update("jax_enable_x64", True)
    return jax


def jax_forwards(row: Row, layer: nn.RNNBase, x: Tensor) -> Step:
    jax = _jax()
    run, weights, x_ = jax.jit(_layers(row)), _weights(layer), jax.numpy.asarray(x.numpy())
    return lambda: (run(weights, x_).block_until_ready(),)


def jax_trains(row: Row, layer: nn.RNNBase, x: Tensor, grad: Tensor) -> Step:
    jax = _jax()
    forward = _layers(row)

    @jax.jit
    def run(weights: Any, x: Any, grad: Any) -> Any:
        output, pullback = jax.vjp(forward, weights, x)
        by_weights, by_x = pullback(grad)
        return (output, by_x, *by_weights)

    weights, x_, grad_ = _weights(layer), *(jax.numpy.asarray(t.numpy()) for t in (x, grad))
    return lambda: jax.block_until_ready(run(weights, x_, grad_))


def _weights(layer: nn.RNNBase) -> list[Any]:
    jax = _jax()
    return [jax.numpy.asarray(weight.detach().numpy()) for weight in layer.parameters()]


def _layers(row: Row) -> Any:
    jnp = _jax().numpy

    def forward(weights: list[Any], x: Any) -> Any:
        per = iter(weights)
        for _ in range(row.layers):
            outputs = []
            for direction in range(row.directions):
                own = [next(per) for _ in range(4)]
                outputs.append(_scan(row, own, x, reverse=direction == 1))
            x = jnp.concatenate(outputs, -1) if len(outputs) > 1 else outputs[0]
        return x

    return forward


def _scan(row: Row, weights: list[Any], x: Any, reverse: bool) -> Any:
    jax = _jax()
    w_ih, w_hh, b_ih, b_hh = weights
    sums = x @ w_ih.T + b_ih  # (T, B, G*H)
    zeros = jax.numpy.zeros((x.shape[1], w_hh.shape[1]), x.dtype)
    step = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}[row.cell]
    state = (zeros, zeros) if row.cell == "LSTM" else zeros
    _, outputs = jax.lax.scan(
        lambda state, s: step(jax, state, s, w_hh, b_hh), state, sums, reverse=reverse
    )
    return outputs


def _lstm(jax: Any, state: Any, s: Any, w_hh: Any, b_hh: Any) -> Any:
    h, c = state
    i, f, g, o = jax.numpy.split(s + h @ w_hh.T + b_hh, 4, -1)
    sigmoid, tanh = jax.nn.sigmoid, jax.numpy.tanh
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return (h, c), h


def _gru(jax: Any, h: Any, s: Any, w_hh: Any, b_hh: Any) -> Any:
    x_r, x_z, x_n = jax.numpy.split(s, 3, -1)
    h_r, h_z, h_n = jax.numpy.split(h @ w_hh.T + b_hh, 3, -1)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    n = jax.numpy.tanh(x_n + r * h_n)
    h = (1 - z) * n + z * h
    return h, h


def _rnn(jax: Any, h: Any, s: Any, w_hh: Any, b_hh: Any) -> Any:
    h = jax.numpy.tanh(s + h @ w_hh.T + b_hh)
    return h, h
