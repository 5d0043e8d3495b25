"""The specification is torch's: each step against torch's cell, each run against torch's layer."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from carrousel.ops import reference
from carrousel.ops.tape import TAPE

MODES = ["RNN_TANH", "RNN_RELU", "LSTM", "GRU"]
every_mode = pytest.mark.parametrize("mode", MODES)
F64 = torch.float64


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def torch_cell(mode: str, bias: bool) -> nn.RNNCellBase:
    if mode.startswith("RNN"):
        return nn.RNNCell(3, 5, bias=bias, nonlinearity=mode[4:].lower(), dtype=F64)
    return getattr(nn, f"{mode}Cell")(3, 5, bias=bias, dtype=F64)


def torch_layer(mode: str) -> nn.RNNBase:
    if mode.startswith("RNN"):
        return nn.RNN(3, 5, nonlinearity=mode[4:].lower(), bidirectional=True, dtype=F64)
    return getattr(nn, mode)(3, 5, bidirectional=True, dtype=F64)


@every_mode
@pytest.mark.parametrize("bias", [True, False], ids=["with bias", "without bias"])
def test_step_equals_torchs_cell(mode: str, bias: bool) -> None:
    cell = torch_cell(mode, bias)
    x, h, c = noise(4, 3), noise(4, 5, seed=1), noise(4, 5, seed=2)
    got_h, got_c, _ = reference.step(mode, x, h, c, list(cell.parameters()))
    if mode == "LSTM":
        expected_h, expected_c = cell(x, (h, c))
        torch.testing.assert_close(got_c, expected_c)
    else:
        expected_h = cell(x, h)
        assert got_c is None
    torch.testing.assert_close(got_h, expected_h)


def test_lstm_gates_are_those_of_the_equations() -> None:
    cell = torch_cell("LSTM", bias=True)
    x, h, c = noise(4, 3), noise(4, 5, seed=1), noise(4, 5, seed=2)
    new_h, new_c, gates = reference.lstm_step(x, h, c, *cell.parameters())
    torch.testing.assert_close(gates["forget"] * c + gates["input"] * gates["candidate"], new_c)
    torch.testing.assert_close(gates["output"] * new_c.tanh(), new_h)
    w_ih, w_hh, b_ih, b_hh = cell.parameters()
    rows = slice(5, 10)  # the second of torch's four blocks
    sums = x @ w_ih[rows].T + b_ih[rows] + h @ w_hh[rows].T + b_hh[rows]
    torch.testing.assert_close(gates["forget"], sums.sigmoid())


def test_gru_gates_are_those_of_the_equations() -> None:
    cell = torch_cell("GRU", bias=True)
    x, h = noise(4, 3), noise(4, 5, seed=1)
    new_h, gates = reference.gru_step(x, h, *cell.parameters())
    update = gates["update"]
    torch.testing.assert_close((1 - update) * gates["candidate"] + update * h, new_h)
    w_ih, w_hh, b_ih, b_hh = (w[10:] for w in cell.parameters())
    inner = x @ w_ih.T + b_ih + gates["reset"] * (h @ w_hh.T + b_hh)
    torch.testing.assert_close(gates["candidate"], inner.tanh())


@every_mode
def test_run_over_packed_rows_equals_torchs_layer(mode: str) -> None:
    layer = torch_layer(mode)
    batch = pack_padded_sequence(noise(6, 4, 3), torch.tensor([6, 3, 3, 1]))
    h0, c0 = noise(2, 4, 5, seed=1), noise(2, 4, 5, seed=2)
    y, h_n, c_n = reference.layer(
        mode,
        batch.data,
        batch.batch_sizes.tolist(),
        h0,
        c0 if mode == "LSTM" else None,
        list(layer.parameters()),
    )
    expected, final = layer(batch, (h0, c0) if mode == "LSTM" else h0)
    torch.testing.assert_close(y, expected.data)
    if mode == "LSTM":
        final, final_c = final
        torch.testing.assert_close(c_n, final_c)
    torch.testing.assert_close(h_n, final)


@every_mode
def test_steps_differentiate_twice(mode: str) -> None:
    cell = torch_cell(mode, bias=True)
    inputs = [noise(2, 3), noise(2, 5, seed=1), noise(2, 5, seed=2)]
    inputs = [t.requires_grad_() for t in inputs[: 3 if mode == "LSTM" else 2]]

    def step(x: Tensor, h: Tensor, c: Tensor | None = None) -> tuple[Tensor, ...]:
        h, c, _ = reference.step(mode, x, h, c, list(cell.parameters()))
        return (h,) if c is None else (h, c)

    assert torch.autograd.gradcheck(step, inputs)
    assert torch.autograd.gradgradcheck(step, inputs)


def test_no_tape_by_default() -> None:
    assert TAPE.get() is None
