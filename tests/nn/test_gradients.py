"""Gradients in the ways people take them: in part, twice, of one state alone, of gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.twins import TOLERANCE, difference, every_cell, leaves, noise, states, twins
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence


def gradients(layer: nn.RNNBase, loss: Callable[[Any], Tensor]) -> dict[str, Tensor | None]:
    """Gradients of a loss of the layer's (output, states) by x, states and weights."""
    layer.zero_grad()
    x = noise(6, 4, layer.input_size, dtype=layer.weight_ih_l0.dtype).requires_grad_()
    hx = states(layer, 4)
    initial = [state.requires_grad_() for state in leaves(hx)]
    loss(layer(x, hx)).backward()
    named = {"x": x, **dict(layer.named_parameters()), **dict(zip("hc", initial, strict=False))}
    return {name: tensor.grad for name, tensor in named.items()}


def assert_same_gradients(pair: tuple[Any, Any], loss: Callable[[Any], Tensor]) -> None:
    theirs, ours = (gradients(layer, loss) for layer in pair)
    for name, reference in theirs.items():
        if reference is None:  # what no loss depends on may also be told as zeros
            assert ours[name] is None or not ours[name].any(), name
        else:
            assert difference(ours[name], reference) <= TOLERANCE[reference.dtype], name


LOSSES: dict[str, Callable[[Any], Tensor]] = {
    "the output alone": lambda result: result[0].square().sum(),
    "the last step alone": lambda result: result[0][-1].square().sum(),
    "the first step alone": lambda result: result[0][0].square().sum(),
    "the final hidden state alone": lambda result: leaves(result[1])[0].square().sum(),
    "the final states alone": lambda result: sum(s.square().sum() for s in leaves(result[1])),
    "the last layer's final hidden state": lambda result: leaves(result[1])[0][-1].exp().sum(),
}


@every_cell
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
def test_loss_on(cell: str, loss: Callable[[Any], Tensor], bidirectional: bool) -> None:
    assert_same_gradients(twins(cell, 3, 9, 2, bidirectional=bidirectional), loss)


def test_loss_on_the_final_cell_state_alone() -> None:
    assert_same_gradients(twins("LSTM", 3, 9, 2), lambda result: result[1][1].square().sum())


@every_cell
@pytest.mark.parametrize(
    "frozen", ["weight_ih", "weight_hh", "bias", "_l0", "_l1", ""], ids=lambda f: f or "everything"
)
def test_frozen_weights_get_no_gradient(cell: str, frozen: str) -> None:
    pair = twins(cell, 3, 9, 2)
    for layer in pair:
        for name, weight in layer.named_parameters():
            weight.requires_grad_(frozen not in name)
    assert_same_gradients(pair, LOSSES["the output alone"])
    assert all(w.grad is None for n, w in pair[1].named_parameters() if frozen in n)


@every_cell
def test_input_without_gradient(cell: str) -> None:
    grads = []
    for layer in twins(cell, 3, 9):
        layer(noise(6, 4, 3))[0].square().sum().backward()
        grads.append([weight.grad for weight in layer.parameters()])
    for theirs, ours in zip(*grads, strict=True):
        assert difference(ours, theirs) <= TOLERANCE[torch.float32]


@every_cell
def test_nothing_asks_for_a_gradient(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    output, state = ours.requires_grad_(False)(noise(6, 4, 3))
    assert not any(t.requires_grad for t in (output, *leaves(state)))


@every_cell
def test_only_the_initial_state_asks_for_a_gradient(cell: str) -> None:
    grads = []
    for layer in twins(cell, 3, 9):
        hx = states(layer.requires_grad_(False), 4)
        initial = [state.requires_grad_() for state in leaves(hx)]
        layer(noise(6, 4, 3), hx)[0].square().sum().backward()
        grads.append([state.grad for state in initial])
    for theirs, ours in zip(*grads, strict=True):
        assert difference(ours, theirs) <= TOLERANCE[torch.float32]


@every_cell
def test_backward_twice_over_a_retained_graph_adds_up(cell: str) -> None:
    _, ours = twins(cell, 3, 9, 2)
    loss = ours(noise(6, 4, 3))[0].square().sum()
    loss.backward(retain_graph=True)
    once = [weight.grad.clone() for weight in ours.parameters()]
    loss.backward()
    for first, weight in zip(once, ours.parameters(), strict=True):
        torch.testing.assert_close(weight.grad, 2 * first)


@every_cell
def test_backward_twice_without_retaining_is_refused(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    loss = ours(noise(6, 4, 3))[0].square().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@every_cell
def test_weight_changed_between_forward_and_backward_is_noticed(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    loss = ours(noise(6, 4, 3))[0].square().sum()
    with torch.no_grad():
        ours.weight_hh_l0.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@every_cell
def test_output_changed_in_place_before_backward(cell: str) -> None:
    """As for any torch operator: either autograd copes, or it says so; never a wrong gradient."""
    results = []
    for layer in twins(cell, 3, 9, dtype=torch.float64):
        x = noise(6, 4, 3, dtype=torch.float64).requires_grad_()
        output, _ = layer(x)
        try:
            output.mul_(2).sum().backward()
            results.append(x.grad)
        except RuntimeError:  # "modified by an inplace operation"
            continue
    if len(results) == 2:
        torch.testing.assert_close(results[1], results[0])


@every_cell
def test_weights_used_in_two_calls_sum_their_gradients(cell: str) -> None:
    def twice(layer: nn.RNNBase) -> list[Tensor | None]:
        first, state = layer(noise(5, 4, 3))
        second, _ = layer(noise(3, 4, 3, seed=8), state)
        (first.sum() + second.square().sum()).backward()
        return [weight.grad for weight in layer.parameters()]

    theirs, ours = map(twice, twins(cell, 3, 9))
    for reference, grad in zip(theirs, ours, strict=True):
        assert difference(grad, reference) <= TOLERANCE[torch.float32]


# --- against finite differences, in float64


def flat(layer: nn.RNNBase, packed: bool) -> tuple[Callable[..., tuple[Tensor, ...]], list[Tensor]]:
    """The layer as a function of x, states and all weights, and its arguments."""
    x = noise(3, 2, layer.input_size, dtype=torch.float64)
    hx = leaves(states(layer, 2))
    sequence = pack_padded_sequence(x, torch.tensor([2, 3]), enforce_sorted=False)
    names = [name for name, _ in layer.named_parameters()]

    def function(data: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        given = PackedSequence(data, *sequence[1:]) if packed else data
        state = rest[: len(hx)]
        weights = dict(zip(names, rest[len(hx) :], strict=True))
        arguments = (given, state if len(hx) == 2 else state[0])
        return tuple(leaves(torch.func.functional_call(layer, weights, arguments)))

    first = sequence.data if packed else x
    arguments = [first, *hx, *(weight.detach() for weight in layer.parameters())]
    return function, [argument.requires_grad_() for argument in arguments]


@every_cell
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
def test_first_derivative_equals_finite_differences(
    cell: str, bidirectional: bool, packed: bool
) -> None:
    _, ours = twins(cell, 2, 3, bidirectional=bidirectional, dtype=torch.float64)
    function, arguments = flat(ours, packed)
    assert torch.autograd.gradcheck(function, arguments)


@every_cell
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
def test_second_derivative_equals_finite_differences(cell: str, packed: bool) -> None:
    _, ours = twins(cell, 2, 2, dtype=torch.float64)
    function, arguments = flat(ours, packed)
    assert torch.autograd.gradgradcheck(function, arguments)


@every_cell
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_gradient_penalty_equals_torchs(cell: str, dtype: torch.dtype) -> None:
    """Double backward at a larger size: the gradient of the squared norm of a gradient."""
    results = []
    for layer in twins(cell, 5, 17, 2, bidirectional=True, dtype=dtype):
        x = noise(7, 3, 5, dtype=dtype).requires_grad_()
        (slope,) = torch.autograd.grad(layer(x)[0].square().sum(), x, create_graph=True)
        slope.square().sum().backward()
        results.append([x.grad, *(weight.grad for weight in layer.parameters())])
    for theirs, ours in zip(*results, strict=True):
        assert difference(ours, theirs) <= 10 * TOLERANCE[dtype]  # two passes, two roundings


@every_cell
def test_first_gradient_is_the_same_with_and_without_create_graph(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    x = noise(6, 4, 3).requires_grad_()
    slopes = [
        torch.autograd.grad(ours(x)[0].square().sum(), x, create_graph=create)[0]
        for create in (False, True)
    ]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-6)
