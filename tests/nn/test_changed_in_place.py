"""What a layer gives is the caller's: changed in place before backward, gradients stay right."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.twins import cell_twins, difference, every_cell, leaves, noise, states, twins
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

import carrousel

F64 = torch.float64  # torch's float32 LSTM forbids what its float64 one allows

CHANGES: dict[str, Callable[[Tensor], Any]] = {
    "relu_": lambda y: y.relu_(),
    "mul_": lambda y: y.mul_(3),
    "masked_fill_": lambda y: y.masked_fill_(y > 0, 0.5),
    "dropout": lambda y: nn.functional.dropout(y, 0.0, inplace=True),
    "one step": lambda y: y[1:2].zero_(),
    "a column": lambda y: y[..., 0].add_(1).tanh_(),
    "in a view": lambda y: y.unsqueeze(0).sigmoid_(),
    "without grad": lambda y: y.detach().add_(0.5),
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


def slopes(layer: nn.Module, loss: Callable[[Any, Tensor], Tensor]) -> list[Tensor]:
    x = noise(4, 3, layer.input_size, dtype=F64).requires_grad_()
    return list(torch.autograd.grad(loss(layer, x), [x, *layer.parameters()]))


def assert_same(pair: tuple[Any, Any], loss: Callable[[Any, Tensor], Tensor]) -> None:
    for theirs, ours in zip(*(slopes(layer, loss) for layer in pair), strict=True):
        assert difference(ours, theirs) <= 1e-10


@every_cell
@every_change
@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}], ids=str)
def test_the_output_of_a_layer(cell: str, change, options: dict[str, Any]) -> None:
    def loss(layer: nn.Module, x: Tensor) -> Tensor:
        output, state = layer(x)
        change(output)
        return output.square().sum() + sum(s.sum() for s in leaves(state))

    assert_same(twins(cell, 3, 4, dtype=F64, **options), loss)
    assert_same(twins(cell, 3, 4, dtype=F64, batch_first=True, **options), loss)


@every_cell
@every_change
def test_the_output_of_a_packed_call(cell: str, change) -> None:
    def loss(layer: nn.Module, x: Tensor) -> Tensor:
        output = layer(pack_padded_sequence(x, [4, 2, 2]))[0].data
        change(output)
        return output.square().sum()

    assert_same(twins(cell, 3, 4, dtype=F64), loss)


@every_cell
@every_change
def test_the_final_states(cell: str, change) -> None:
    def loss(layer: nn.Module, x: Tensor) -> Tensor:
        output, state = layer(x)
        for tensor in leaves(state):
            change(tensor)
        return output.square().sum() + sum(s.square().sum() for s in leaves(state))

    assert_same(twins(cell, 3, 4, 2, dtype=F64), loss)


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])  # torch's RNN cell forbids it
@every_change
def test_the_state_of_a_cell(cell: str, change) -> None:
    def loss(layer: nn.Module, x: Tensor) -> Tensor:
        state = leaves(layer(x[0]))
        for tensor in state:
            change(tensor)
        return sum(s.square().sum() for s in state)

    assert_same(cell_twins(cell, 3, 4, dtype=F64), loss)


@every_cell
def test_and_derived_twice(cell: str) -> None:
    def loss(layer: nn.Module, x: Tensor) -> Tensor:
        output = layer(x)[0].mul_(2)
        (slope,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
        return slope.square().sum()

    assert_same(twins(cell, 3, 4, dtype=F64), loss)


@every_cell
def test_inside_a_checkpoint(cell: str) -> None:
    def loss(layer: nn.Module, x: Tensor) -> Tensor:
        return checkpoint(lambda x: layer(x)[0].mul_(2).square(), x, use_reentrant=False).sum()

    assert_same(twins(cell, 3, 4, dtype=F64), loss)


@every_cell
def test_memory_that_hooks_move_away_is_given_back(cell: str) -> None:
    """Offloading must not leave the output behind for the sake of noticing its changes."""
    _, ours = twins(cell, 3, 4)
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> int:
        kept.append(tensor.clone())
        return len(kept) - 1

    with torch.autograd.graph.saved_tensors_hooks(pack, kept.__getitem__):
        output, state = ours(noise(4, 3, 3))
    storage = output.untyped_storage()._weak_ref()
    loss = leaves(state)[0].sum()
    del output, state
    assert torch.UntypedStorage._expired(storage)
    loss.backward()


@every_cell
def test_a_record_keeps_what_was(cell: str) -> None:
    _, ours = twins(cell, 3, 4)
    hx = states(ours, 3)
    with carrousel.trace(ours) as trace:
        output, _ = ours(noise(4, 3, 3), hx)
        was = output.detach().clone()
        output.mul_(7).sum().backward()
        for state in leaves(hx):
            state.zero_()
    assert torch.equal(trace[""].hidden[0], was)
    assert all(s.any() for s in leaves(trace[""].initial_hidden))
