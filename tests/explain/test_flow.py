"""gradient_flow: Jacobians against autograd on a hand-written loop, and the bound above them."""

import pytest
import torch
from tests import loops
from torch import nn
from torch.nn.utils.rnn import pack_sequence

import carrousel
from carrousel.explain import gradient_flow, steps

OPTIONS = {
    "lstm": ("lstm", {}),
    "gru": ("gru", {}),
    "tanh RNN": ("rnn", {}),
    "relu RNN": ("rnn", {"nonlinearity": "relu"}),
    "lstm of two levels both ways": ("lstm", {"num_layers": 2, "bidirectional": True}),
}


def _norm(entry: dict, name: str, last: int, t: int, b: int) -> float:
    """The spectral norm of d state_last / d state_t of one sequence, one row at a time."""
    rows = [
        torch.autograd.grad(unit, entry[name][t], retain_graph=True, allow_unused=True)[0][b]
        for unit in entry[name][last][b]
    ]
    return torch.linalg.matrix_norm(torch.stack(rows), 2).item()


def _cut(layer, x):
    """The loop with every level's input cut off, so that each recurrence stands alone."""
    entries, directions = [], 2 if layer.bidirectional else 1
    for level in range(layer.num_layers):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        one = type(layer)(x.shape[-1], layer.hidden_size, bidirectional=layer.bidirectional)
        one = one.double()
        if layer.mode.startswith("RNN"):
            one.nonlinearity, one.mode = layer.nonlinearity, layer.mode
        for suffix in ("", "_reverse")[:directions]:
            for name in names:
                given = getattr(layer, f"{name}_l{level}{suffix}")
                getattr(one, f"{name}_l0{suffix}").data = given.data
        x, found = loops.run(one, x.detach())
        entries += found
    return entries


@pytest.mark.parametrize("derived", ["by hand", "for any cell"])
@pytest.mark.parametrize("case", OPTIONS)
def test_norms_are_those_of_autograds_jacobians(case, derived, make_layer, monkeypatch):
    kind, options = OPTIONS[case]
    if derived == "for any cell":
        monkeypatch.setattr(steps, "_BACK", {})
    layer = make_layer(kind, **options)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    flow = gradient_flow(layer, x)
    for index, entry in enumerate(_cut(layer, x)):
        last = 0 if options.get("bidirectional") and index % 2 else 5
        for t in range(6):
            for b in range(2):
                expected = _norm(entry, "hidden", last, t, b)
                assert flow.hidden[index, t, b].item() == pytest.approx(expected, abs=1e-10)
                if kind == "lstm":
                    expected = _norm(entry, "cell", last, t, b)
                    assert flow.cell[index, t, b].item() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("case", OPTIONS)
def test_the_bound_holds(case, scale, make_layer):
    kind, options = OPTIONS[case]
    layer = make_layer(kind, scale=scale, **options)
    flow = gradient_flow(layer, scale * torch.randn(20, 2, 3, dtype=torch.float64))
    assert (flow.hidden <= flow.bound * (1 + 1e-9)).all()
    assert (flow.bound[:, [-1, 0]].amax(1) >= 1).all()


def test_the_tanh_rnns_bound_is_pascanus(make_layer):
    layer = make_layer("rnn")
    with torch.no_grad():
        for bias in (layer.weight_ih_l0, layer.bias_ih_l0, layer.bias_hh_l0):
            bias.zero_()  # states stay 0, where tanh has slope 1
    flow = gradient_flow(layer, torch.randn(8, 1, 3, dtype=torch.float64))
    sigma = flow.sigma_max[0]["hidden"]
    expected = sigma ** torch.arange(7.0, -1, -1, dtype=torch.float64)
    assert torch.allclose(flow.bound[0, :, 0], expected)
    assert sigma == pytest.approx(torch.linalg.svdvals(layer.weight_hh_l0)[0].item())


def test_the_direct_path_is_the_product_of_gates(make_layer, record_of):
    layer = make_layer("lstm")
    x = torch.randn(7, 1, 3, dtype=torch.float64)
    flow = gradient_flow(layer, x)
    _, (entry,) = loops.run(layer, x)
    forget = torch.stack([g["forget"] for g in entry["gates"]])
    assert flow.direct[0, 2, 0].item() == pytest.approx(forget[3:].prod(0).max().item())
    assert flow.direct[0, 6, 0].item() == 1


def test_packed_sequences(make_layer):
    layer = make_layer("gru", bidirectional=True)
    sequences = [torch.randn(n, 3, dtype=torch.float64) for n in (3, 7)]
    flow = gradient_flow(layer, pack_sequence(sequences, enforce_sorted=False))
    for b, sequence in enumerate(sequences):
        alone = gradient_flow(layer, sequence[:, None])
        n = len(sequence)
        assert torch.allclose(flow.hidden[:, :n, b], alone.hidden[..., 0], atol=1e-12)
        assert torch.allclose(flow.bound[:, :n, b], alone.bound[..., 0])


def test_projected_states(make_layer):
    layer = make_layer("lstm", proj_size=2)
    x = torch.randn(5, 1, 3, dtype=torch.float64)
    with torch.no_grad(), carrousel.trace(layer) as trace:
        layer(x)
    flow = gradient_flow(layer, x)
    hidden, cell = trace[-1].hidden[:, 1], trace[-1].cell[:, 1]

    def last_hidden(state):
        with carrousel.trace(layer):  # torch's own layer has no float64 projection on every build
            return layer(x[2:], (state, cell))[1][0].flatten()

    jacobian = torch.autograd.functional.jacobian(last_hidden, hidden).reshape(2, 2)
    expected = torch.linalg.matrix_norm(jacobian, 2).item()
    assert flow.hidden[0, 1, 0].item() == pytest.approx(expected, abs=1e-10)
    assert (flow.hidden <= flow.bound * (1 + 1e-9)).all()


class TestOfAnOutput:
    def test_the_gradient_by_each_state(self, make_layer):
        layer = make_layer("lstm")
        x = torch.randn(6, 2, 3, dtype=torch.float64)
        output, (entry,) = loops.run(layer, x)
        output[-1, :, 0].sum().backward()
        layer.zero_grad()
        flow = gradient_flow(layer, x, of=lambda out: out[0][-1, :, 0])
        expected = torch.stack([h.grad.norm(dim=-1) for h in entry["hidden"]])
        assert torch.allclose(flow.hidden[0], expected, atol=1e-12)
        expected = torch.stack([c.grad.norm(dim=-1) for c in entry["cell"]])
        assert torch.allclose(flow.cell[0], expected, atol=1e-12)
        assert flow.bound is None
        assert layer.weight_hh_l0.grad is None, "the parameters' gradients were touched"

    def test_an_output_without_the_layer(self):
        model = nn.ModuleDict({"a": nn.GRU(3, 4), "b": nn.Linear(3, 1)})
        model.forward = lambda x: (model["a"](x), model["b"](x))
        with pytest.raises(ValueError, match="does not depend on the layer 'a'"):
            gradient_flow(model, torch.randn(4, 1, 3), of=lambda out: out[1])


def test_chosen_steps_and_layer(make_layer):
    model = nn.ModuleDict({"a": make_layer("lstm"), "b": make_layer("gru")})
    model.forward = lambda x: (model["a"](x), model["b"](x))
    x = torch.randn(6, 1, 3, dtype=torch.float64)
    flow = gradient_flow(model, x, layer="a", steps=[0, 5])
    assert (flow.name, flow.steps, flow.hidden.shape) == ("a", (0, 5), (1, 2, 1))
    assert torch.equal(flow.hidden, gradient_flow(model["a"], x).hidden[:, [0, 5]])
    with pytest.raises(ValueError, match="steps must be of those recorded"):
        gradient_flow(model, x, steps=[6])


def test_dropout_is_off(make_layer):
    layer = make_layer("lstm", num_layers=2, dropout=0.5)
    gradient_flow(layer, torch.randn(6, 1, 3, dtype=torch.float64))
    assert layer.training
