"""forget_bias and chrono: where the memory's biases start, and what else must not change."""

import pytest
import torch

import carrousel


def forget_biases(layer: carrousel.LSTM) -> list[torch.Tensor]:
    """b_f, the sum of its two halves, of every layer and direction."""
    hidden = layer.hidden_size
    return [
        getattr(layer, f"bias_ih_{end}")[hidden : 2 * hidden]
        + getattr(layer, f"bias_hh_{end}")[hidden : 2 * hidden]
        for end in (name.removeprefix("bias_ih_") for name in dict(layer.named_parameters()))
        if hasattr(layer, f"bias_ih_{end}")
    ]


@pytest.mark.parametrize("value", [0.0, 1.0, 3.0])
def test_forget_bias_is_the_sum_of_both_biases(value):
    layer = carrousel.LSTM(2, 5, num_layers=2, bidirectional=True, forget_bias=value)
    biases = forget_biases(layer)
    assert len(biases) == 4
    for bias in biases:
        torch.testing.assert_close(bias, torch.full((5,), value))


def test_forget_bias_leaves_the_other_gates_as_torch_draws_them():
    torch.manual_seed(3)
    plain = carrousel.LSTM(2, 5)
    torch.manual_seed(3)
    layer = carrousel.LSTM(2, 5, forget_bias=1.0)
    others = [*range(5), *range(10, 20)]
    assert torch.equal(layer.bias_ih_l0[others], plain.bias_ih_l0[others])
    assert torch.equal(layer.weight_hh_l0, plain.weight_hh_l0)


def test_chrono_spans_the_dependencies_and_closes_the_input_gate_alike():
    layer = carrousel.LSTM(2, 400, chrono=50)
    (forget,) = forget_biases(layer)
    write = layer.bias_ih_l0[:400] + layer.bias_hh_l0[:400]
    assert forget.min() >= 0
    assert forget.exp().max() <= 49  # log U(1, T - 1)
    assert forget.exp().mean().item() == pytest.approx(25, abs=3)
    torch.testing.assert_close(write, -forget)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bias": False, "forget_bias": 1.0}, "bias=True"),
        ({"forget_bias": 1.0, "chrono": 9}, "exclude each other"),
        ({"chrono": 2}, "chrono must be"),
    ],
)
def test_what_cannot_be_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        carrousel.LSTM(2, 3, **options)
