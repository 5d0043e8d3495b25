"""Derivatives of derivatives: ``create_graph=True`` changes no first derivative, and second ones
equal finite differences and torch's, also where a state or an input depends on the same weights."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.twins import CELLS, cell_twins, difference, every_cell, leaves, noise, states, twins
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel

F64 = torch.float64


def carried_state(layer: nn.RNNBase, x: Tensor) -> Tensor:
    output, state = layer(x)
    again, state = layer(x * 0.5, state)
    return output.sum() + again.square().sum()


def used_twice(layer: nn.RNNBase, x: Tensor) -> Tensor:
    output, _ = layer(x)
    return (layer(output[..., : layer.input_size])[0] * output).sum()


def packed(layer: nn.RNNBase, x: Tensor) -> Tensor:
    sequence = pack_padded_sequence(x, [x.size(0), 2], batch_first=layer.batch_first)
    output, state = layer(sequence)
    return layer(sequence, state)[0].data.square().sum() + output.data.sum()


def state_from_the_input(layer: nn.RNNBase, x: Tensor) -> Tensor:
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    h = x.mean(-1, keepdim=True).mean(0, keepdim=True).expand(rows, -1, layer.hidden_size)
    return layer(x, (h, h.square()) if layer.mode == "LSTM" else h)[0].square().sum()


def streamed(layer: nn.RNNBase, x: Tensor) -> Tensor:
    state, total = None, x.new_zeros(())
    for t in range(x.size(0)):
        output, state = layer(x[t : t + 1], state)
        total = total + output.square().sum()
    return total


def final_states(layer: nn.RNNBase, x: Tensor) -> Tensor:
    return sum(s.pow(3).sum() for s in leaves(layer(x, layer(x)[1])[1]))


USES: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "plain": lambda layer, x: layer(x)[0].square().sum(),
    "a carried state": carried_state,
    "the same layer twice": used_twice,
    "packed": packed,
    "a state made of the input": state_from_the_input,
    "step by step": streamed,
    "final states": final_states,
}
every_use = pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
OPTIONS = {
    "one layer": {},
    "both directions, two layers": {"bidirectional": True, "num_layers": 2},
    "without bias": {"bias": False},
}


def both_ways(layer: nn.Module, loss: Callable[[], Tensor], by: list[Tensor]) -> None:
    """First derivatives with and without a graph are equal."""
    plain = torch.autograd.grad(loss(), by)
    graph = torch.autograd.grad(loss(), by, create_graph=True)
    for one, other in zip(graph, plain, strict=True):
        assert difference(one, other) <= 1e-10


def second(layer: nn.Module, loss: Callable[[], Tensor], by: list[Tensor]) -> list[Tensor]:
    """Derivatives of the norm of the gradient: a gradient penalty."""
    first = torch.autograd.grad(loss(), by, create_graph=True)
    return list(torch.autograd.grad(sum((g * g).sum() for g in first), by))


def assert_same(pair: tuple[Any, Any], use: Callable[[Any, Tensor], Tensor], x: Tensor) -> None:
    found = []
    for layer in pair:
        by = [x, *layer.parameters()]
        if layer is pair[1]:
            both_ways(layer, lambda layer=layer: use(layer, x), by)
        found.append(second(layer, lambda layer=layer: use(layer, x), by))
    for theirs, ours in zip(*found, strict=True):
        assert difference(ours, theirs) <= 1e-8


@every_cell
@every_use
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_layers(cell: str, use: Callable[[Any, Tensor], Tensor], options: dict[str, Any]) -> None:
    pair = twins(cell, 3, 3, dtype=F64, **options)
    assert_same(pair, use, noise(4, 2, 3, dtype=F64).requires_grad_())


@every_cell
def test_weights_shared_between_layers(cell: str) -> None:
    pair = twins(cell, 4, 4, 2, dtype=F64)
    for layer in pair:
        layer.weight_ih_l1, layer.weight_hh_l1 = layer.weight_ih_l0, layer.weight_hh_l0
    assert_same(pair, carried_state, noise(4, 2, 4, dtype=F64).requires_grad_())


@every_cell
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_loop_over_a_cell(cell: str, steps: int) -> None:
    def loop(module: nn.Module, x: Tensor) -> Tensor:
        hx, total = None, x.new_zeros(())
        for t in range(steps):
            hx = module(x[t], hx)
            total = total + sum(s.square().sum() for s in leaves(hx))
        return total

    assert_same(
        cell_twins(cell, 2, 3, dtype=F64), loop, noise(steps, 2, 2, dtype=F64).requires_grad_()
    )


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "relu RNN"])  # it has kinks
@every_use
def test_second_derivatives_equal_finite_differences(
    cell: str, use: Callable[[Any, Tensor], Tensor]
) -> None:
    _, ours = twins(cell, 3, 3, dtype=F64)
    x = noise(3, 2, 3, dtype=F64).requires_grad_()
    names = [name for name, _ in ours.named_parameters()]

    def function(x: Tensor, *weights: Tensor) -> Tensor:
        class Whole(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = ours

            def forward(self, x: Tensor) -> Tensor:
                return use(self.layer, x)

        named = {f"layer.{name}": w for name, w in zip(names, weights, strict=True)}
        return functional_call(Whole(), named, (x,))

    weights = [w.detach().clone().requires_grad_() for w in ours.parameters()]
    assert torch.autograd.gradgradcheck(function, (x, *weights), fast_mode=True)


@every_cell
def test_an_inner_loop_of_learning(cell: str) -> None:
    """MAML: the loss after two steps of descent, derived by the weights before them."""
    found = []
    for layer in twins(cell, 3, 5, dtype=F64):
        weights = {name: w.detach().requires_grad_() for name, w in layer.named_parameters()}
        learned = weights
        for seed in (1, 2):
            x = noise(4, 2, 3, seed=seed, dtype=F64)
            loss = functional_call(layer, learned, (x,))[0].square().sum()
            slopes = torch.autograd.grad(loss, list(learned.values()), create_graph=True)
            pairs = zip(learned.items(), slopes, strict=True)
            learned = {name: w - 0.1 * slope for (name, w), slope in pairs}
        loss = functional_call(layer, learned, (noise(4, 2, 3, dtype=F64),))[0].square().sum()
        found.append(torch.autograd.grad(loss, list(weights.values())))
    for theirs, ours in zip(*found, strict=True):
        assert difference(ours, theirs) <= 1e-9


@every_cell
def test_third_derivatives(cell: str) -> None:
    found = []
    for layer in twins(cell, 2, 3, dtype=F64):
        x = noise(3, 1, 2, dtype=F64).requires_grad_()
        value = carried_state(layer, x)
        for _ in range(3):
            (slope,) = torch.autograd.grad(value, x, create_graph=True)
            value = slope.square().sum() + slope.sum()
        found.append(slope)
    assert difference(found[1], found[0]) <= 1e-8


@every_cell
def test_nothing_is_recorded_twice_and_gradients_of_states_are(cell: str) -> None:
    _, ours = twins(cell, 3, 4, dtype=F64)
    x = noise(4, 2, 3, dtype=F64).requires_grad_()
    records = []
    for graph in (False, True):
        with carrousel.trace(ours) as trace:
            loss = ours(x, states(ours, 2))[0].square().sum()
            torch.autograd.grad(loss, x, create_graph=graph)
        records.append(trace[""])
    assert difference(records[1].grad_hidden, records[0].grad_hidden) <= 1e-10
    assert difference(records[1].hidden, records[0].hidden) == 0
