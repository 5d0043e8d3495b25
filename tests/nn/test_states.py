"""All states and gates of a run, as tensors with gradients, against loops written by hand."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel

from ..loops import run as by_hand

KINDS = ("LSTM", "GRU", "RNN")
LENGTHS = [4, 7, 6]


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def made(kind, **options):
    torch.manual_seed(0)
    options = {"num_layers": 2, "bidirectional": True, "dtype": torch.float64} | options
    return getattr(carrousel, kind)(3, 4, **options)


def parts(states):
    """Names and tensors of everything there is."""
    found = {"hidden": states.hidden, "cell": states.cell, **states.gates}
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def wanted(layer, x):
    """The same of sequences x (T, B, I), from the loop: name -> (L*D, T, B, H)."""
    output, entries = by_hand(layer, x)
    names = [n for n in ("hidden", "cell") if entries[0][n][0] is not None]
    found = {n: torch.stack([torch.stack(entry[n]) for entry in entries]) for n in names}
    for name in entries[0]["gates"][0]:
        found[name] = torch.stack(
            [torch.stack([gates[name] for gates in entry["gates"]]) for entry in entries]
        )
    return output, found


def weighed(found, output):
    """One number that depends on all of it in different ways."""
    generator = torch.Generator().manual_seed(1)
    total = output.sum()
    for name in sorted(found):
        weight = torch.randn(found[name].shape, generator=generator, dtype=torch.float64)
        total = total + (weight * found[name].sin()).sum()
    return total


def assert_alike(layer, x, output, found):
    expected_output, expected = wanted(layer, x)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-10, atol=1e-12, msg=name)
    given = [x, *layer.parameters()]
    one = torch.autograd.grad(weighed(found, output), given)
    other = torch.autograd.grad(weighed(expected, expected_output), given)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "in one graph"])
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("kind", KINDS)
def test_states_and_gates_are_those_of_the_loop_with_its_gradients(kind, both, compiled):
    layer = made(kind, bidirectional=both, num_layers=1 + both)
    x = torch.randn(7, 3, 3, dtype=torch.float64, requires_grad=True)

    def run(x):
        output, _, states = layer(x, return_states=True)
        return output, parts(states)

    if compiled:
        run = torch.compile(run, fullgraph=True, backend="aot_eager")
    assert_alike(layer, x, *run(x))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "in one graph"])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_stand_in_the_callers_order_with_zeros_behind(kind, compiled):
    layer = made(kind)
    x = torch.randn(7, 3, 3, dtype=torch.float64)

    def run(packed):
        return parts(layer(packed, return_states=True)[2])

    run = torch.compile(run, fullgraph=True, backend="aot_eager") if compiled else run
    found = run(pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False))
    for b, length in enumerate(LENGTHS):
        _, expected = wanted(layer, x[:length, b : b + 1])
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name][:, :length, b : b + 1], tensor)
            assert (found[name][:, length:, b] == 0).all()
    total = sum(tensor.pow(2).sum() for tensor in found.values())
    ones = torch.autograd.grad(total, layer.parameters())
    total = sum(
        tensor.pow(2).sum()
        for b, length in enumerate(LENGTHS)
        for tensor in wanted(layer, x[:length, b : b + 1])[1].values()
    )
    for a, b in zip(ones, torch.autograd.grad(total, layer.parameters()), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is:DeprecationWarning")  # torch's own
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_derivatives_and_of_forward_mode(kind):
    layer = made(kind, num_layers=1)
    x = torch.randn(3, 2, 3, dtype=torch.float64, requires_grad=True)

    def run(x):
        output, _, states = layer(x, return_states=True)
        return (output, *parts(states).values())

    assert torch.autograd.gradcheck(run, x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(run, x)
    slopes = torch.func.grad(lambda x: sum(one.sin().sum() for one in run(x)))(x)
    (by_autograd,) = torch.autograd.grad(sum(one.sin().sum() for one in run(x)), x)
    torch.testing.assert_close(slopes, by_autograd)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_follow_the_layer_whatever_the_layout_of_the_input(kind):
    layer, first = made(kind), made(kind, batch_first=True)
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    one = parts(layer(x, return_states=True)[2])
    other = parts(first(x.transpose(0, 1), return_states=True)[2])
    alone = parts(layer(x[:, 0], return_states=True)[2])
    for name, tensor in one.items():
        assert tensor.shape == (4, 7, 2, 4)
        assert torch.equal(tensor, other[name])
        torch.testing.assert_close(tensor[:, :, 0], alone[name])


def test_what_a_trace_sees_and_what_is_returned_are_the_same():
    layer = made("LSTM")
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    with carrousel.trace(layer) as trace:
        output, _, states = layer(x, return_states=True)
        (output.sum() + states.gates["input"].pow(2).sum()).backward()
    record = trace[-1]
    assert torch.equal(states.cell, record.cell)
    assert torch.equal(states.gates["output"], record.gates["output"])
    _, entries = by_hand(layer, x)
    last = torch.stack([torch.stack(entry["hidden"]) for entry in entries])[-2:]
    gates = [gates["input"] for entry in entries for gates in entry["gates"]]
    (torch.cat(list(last), -1).sum() + torch.stack(gates).pow(2).sum()).backward()
    slopes = torch.stack([torch.stack([c.grad for c in entry["cell"]]) for entry in entries])
    torch.testing.assert_close(record.grad_cell, slopes)
    with torch.no_grad():
        states.gates["input"].zero_()
        assert (record.gates["input"] != 0).all()  # the record has its own


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
def test_changed_steps_are_in_it(packed):
    layer = made("LSTM")
    x = torch.randn(7, 3, 3, dtype=torch.float64, requires_grad=True)
    given = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False) if packed else x
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set("forget", 1.0, steps=[1, 3], units=[2])
        change.scale("cell", 0.5, steps=2, level=1)
        _, _, states = layer(given, return_states=True)
    record = trace[-1]
    for name, tensor in parts(states).items():
        seen = record.gates[name] if name in record.gates else getattr(record, name)
        torch.testing.assert_close(tensor, seen.nan_to_num())
    nudge, pick = 1e-6, (2, 3, 1, 0)
    (slope,) = torch.autograd.grad(states.cell[pick], x)
    ends = []
    for sign in (1, -1):
        moved = x.detach().clone()
        moved[1, 1, 2] += sign * nudge
        if packed:
            moved = pack_padded_sequence(moved, torch.tensor(LENGTHS), enforce_sorted=False)
        with carrousel.intervene(layer) as change:
            change.set("forget", 1.0, steps=[1, 3], units=[2])
            change.scale("cell", 0.5, steps=2, level=1)
            ends.append(layer(moved, return_states=True)[2].cell[pick].item())
    assert slope[1, 1, 2].item() == pytest.approx((ends[0] - ends[1]) / (2 * nudge), rel=1e-5)


def test_projections_and_other_dtypes_run_by_the_equations():
    layer = made("LSTM", proj_size=2, num_layers=1, bidirectional=False)
    output, (h, _), states = layer(torch.randn(5, 2, 3, dtype=torch.float64), return_states=True)
    assert torch.equal(states.hidden[0], output)
    torch.testing.assert_close(
        states.gates["output"] * states.cell.tanh() @ layer.weight_hr_l0.T, states.hidden
    )
    assert torch.equal(h, states.hidden[:, -1])
    half = carrousel.GRU(3, 4, dtype=torch.bfloat16)
    _, _, states = half(torch.randn(5, 2, 3, dtype=torch.bfloat16), return_states=True)
    assert states.gates["update"].dtype == torch.bfloat16


def test_adopted_layers_have_them_and_a_fallback_says_why_not():
    layer = nn.LSTM(3, 4)
    carrousel.adopt(layer)
    x = torch.randn(5, 2, 3)
    assert layer(x, return_states=True)[2].cell.shape == (1, 5, 2, 4)
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(RuntimeError, match="autocast"):
        layer(x, return_states=True)
    with pytest.raises(RuntimeError, match=r"input.size\(-1\) must be equal"):
        layer(torch.randn(5, 2, 9), return_states=True)
    with torch.no_grad():
        assert not layer(x, return_states=True)[2].cell.requires_grad
