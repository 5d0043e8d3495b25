"""One-step cells with the options of layers: the layer of the same numbers, one step at a time."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import carrousel

OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "layer norm": ("LSTM", {"layer_norm": True}),
    "layer norm, no bias": ("LSTM", {"layer_norm": True, "bias": False}),
    "GRU, layer norm": ("GRU", {"layer_norm": True}),
    "peepholes": ("LSTM", {"peepholes": True}),
    "coupled": ("LSTM", {"coupled": True}),
    "both, zoneout": ("LSTM", {"coupled": True, "peepholes": True, "zoneout": (0.1, 0.3)}),
    "GRU, zoneout": ("GRU", {"zoneout": 0.3}),
    "relu RNN, zoneout": ("RNN", {"zoneout": 0.3, "nonlinearity": "relu"}),
}


@pytest.fixture(autouse=True)
def drawn_alike(double):
    torch.manual_seed(0)


def both(kind: str) -> tuple[Any, Any]:
    """A cell and the layer of the same numbers."""
    name, options = OPTIONS[kind]
    cell = getattr(carrousel, name + "Cell")(3, 5, **options)
    layer = getattr(carrousel, name)(3, 5, **options)
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -0.6, 0.6)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    return cell.eval(), layer.eval()


def loop(cell: Any, x: Tensor) -> Tensor:
    state, outputs = None, []
    for one in x:
        state = cell(one, state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(outputs)


@pytest.mark.parametrize("kind", OPTIONS)
def test_steps_one_after_the_other_are_the_layer(kind):
    cell, layer = both(kind)
    x = torch.randn(4, 2, 3, requires_grad=True)
    ours, theirs = loop(cell, x), layer(x)[0]
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(loop(cell, x[:, 0]), theirs[:, 0])
    (first,) = torch.autograd.grad(ours.square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(theirs.square().sum(), x, create_graph=True)
    torch.testing.assert_close(first, second)
    given = [x, *cell.parameters()], [x, *layer.parameters()]
    for one, other in zip(
        torch.autograd.grad(first.square().sum(), given[0], allow_unused=True),
        torch.autograd.grad(second.square().sum(), given[1], allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", OPTIONS)
def test_saved_copied_and_in_other_hands(kind):
    cell, _ = both(kind)
    x = torch.randn(2, 3)
    expected = loop(cell, x[None])
    file = io.BytesIO()
    torch.save(cell.state_dict(), file)
    file.seek(0)
    name, options = OPTIONS[kind]
    other = getattr(carrousel, name + "Cell")(3, 5, **options).eval()
    other.load_state_dict(torch.load(file))
    for one in (other, copy.deepcopy(cell), pickle.loads(pickle.dumps(cell))):
        assert torch.equal(loop(one, x[None]), expected)
    assert loop(cell.float(), x[None].float()).dtype is torch.float32
    assert len(repr(cell)) > len(repr(getattr(nn, name + "Cell")(3, 5)))
    vmapped = torch.func.vmap(lambda row: loop(cell, row[None])[0])(x.float())
    torch.testing.assert_close(vmapped.double(), expected[0], rtol=1e-5, atol=1e-5)
    parameters = dict(cell.named_parameters())
    torch.func.functional_call(cell, parameters, (x.float(),))
    assert carrousel.release(nn.Sequential(cell)).left
    with pytest.raises(ValueError, match="only float cells know"):
        carrousel.quantize(nn.Sequential(cell))
    with pytest.raises(TypeError, match="TorchScript"):
        cell.__prepare_scriptable__()


@pytest.mark.parametrize("kind", OPTIONS)
def test_calls_make_one_record_which_can_be_changed_and_asked(kind):
    cell, layer = both(kind)
    x = torch.randn(5, 2, 3)
    with carrousel.intervene(cell) as change, carrousel.trace(cell) as trace:
        change.set("hidden", 0.5, steps=[2], units=[1])
        loop(cell, x)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as other:
        change.set("hidden", 0.5, steps=[2], units=[1])
        layer(x)
    for name, array in other[0].arrays().items():
        torch.testing.assert_close(trace[0].arrays()[name], array)
    lives = [carrousel.explain.half_life(found[0]).jacobian for found in (trace, other)]
    torch.testing.assert_close(*lives)


def test_masks_are_drawn_while_a_cell_trains():
    cell, _ = both("GRU, zoneout")
    x, h = torch.randn(200, 3), torch.randn(200, 5)
    kept = (cell.train()(x, h) == h).double().mean()
    assert 0.25 < kept < 0.35


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda cell: cell(torch.zeros(2, 4)), r"input must be \(B, 3\)"),
        (lambda cell: cell([1.0]), "got list"),
        (lambda cell: cell(torch.zeros(2, 3), torch.zeros(2, 5)), "hx must be two tensors"),
        (lambda cell: cell(torch.zeros(2, 3), (torch.zeros(2, 5),) * 3), "hx must be two tensors"),
        (lambda cell: cell(torch.zeros(2, 3), (torch.zeros(1, 5),) * 2), r"\(2, 5\), h and c"),
        (lambda cell: cell(torch.zeros(2, 3, dtype=torch.float32)), "input must be torch.float64"),
    ],
)
def test_a_wrong_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(both("peepholes")[0])


def test_options_of_other_cells_are_refused():
    with pytest.raises(TypeError, match="peepholes"):
        carrousel.GRUCell(3, 4, peepholes=True)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="exclude each other"):
        carrousel.LSTMCell(3, 4, layer_norm=True, coupled=True)
