"""Equal sizes, and initial memories as asked for."""

import pytest
import torch

from carrousel.lab.networks import Network, build, count, hidden_for
from carrousel.lab.tasks import Adding, Reber, Recall

ALL = [
    Network("ann"), Network("rnn"), Network("elman"), Network("gru"), Network("gru", chrono=True),
    Network("lstm"), Network("lstm", forget_bias=3), Network("lstm", chrono=True),
]  # fmt: skip


@pytest.mark.parametrize("network", ALL, ids=lambda network: network.label)
@pytest.mark.parametrize("parameters", [100, 500, 5000])
def test_every_network_is_as_large_as_its_share_allows(network, parameters):
    net = build(network, Recall(5), parameters, seed=0)
    own = sum(weight.numel() for weight in net.parameters())
    size = net.answer.in_features
    assert own == count(network.kind, 8, size, 4) <= parameters
    assert count(network.kind, 8, size + 1, 4) > parameters


def test_too_few_parameters_are_refused():
    with pytest.raises(ValueError, match="parameters is 10, too few for one unit of lstm"):
        hidden_for("lstm", 8, 4, 10)


@pytest.mark.parametrize("network", ALL, ids=lambda network: network.label)
def test_a_seed_decides_the_weights_and_no_global_state_changes(network):
    before = torch.random.get_rng_state()
    one, same, other = (build(network, Adding(24), 200, seed) for seed in (1, 1, 2))
    assert torch.random.get_rng_state().equal(before)
    assert all(a.equal(b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not next(one.parameters()).equal(next(other.parameters()))


def test_forget_bias_is_the_sum_of_both_biases():
    layer = build(Network("lstm", forget_bias=3), Recall(5), 500, 0).hidden
    size = layer.hidden_size
    assert ((layer.bias_ih_l0 + layer.bias_hh_l0)[size : 2 * size] == 3).all()


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_chrono_makes_memories_of_all_lengths_up_to_the_task(kind):
    layer = build(Network(kind, chrono=True), Recall(99), 50_000, 0).hidden
    size = layer.hidden_size
    bias = (layer.bias_ih_l0 + layer.bias_hh_l0)[size : 2 * size].detach()
    lengths = bias.exp()  # U(1, T - 1)
    assert lengths.min() >= 1
    assert lengths.max() <= 99
    assert float(lengths.mean()) == pytest.approx(50, rel=0.2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "transformer"}, "kind must be one of 'ann', 'rnn'"),
        ({"kind": "gru", "forget_bias": 1}, "gru has no forget gate"),
        ({"kind": "rnn", "chrono": True}, "rnn has no gates"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Network(**settings)


def test_the_memoryless_network_answers_from_the_last_input_alone():
    net = build(Network("ann"), Recall(5), 500, 0)
    inputs = Recall(5).batch(3, torch.Generator().manual_seed(0)).inputs
    changed = inputs.clone()
    changed[:-1] = 0
    assert net(inputs).equal(net(changed))


def test_elman_sees_what_an_rnn_sees_but_learns_from_one_step_back():
    plain, elman = (build(Network(kind), Reber(), 300, 0) for kind in ("rnn", "elman"))
    inputs = torch.randn(6, 2, 7)
    torch.testing.assert_close(plain(inputs), elman(inputs))
    inputs.requires_grad_()
    (gradient,) = torch.autograd.grad(elman(inputs)[-1].sum(), inputs)
    assert gradient[-1].abs().sum() > 0
    assert gradient[:-1].abs().sum() == 0
