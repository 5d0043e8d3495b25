"""Under no_grad, inference mode and autocast; copied, pickled, saved; other dtypes and devices."""

import copy
import io
import pickle

import pytest
import torch
from tests.nn.twins import (
    TOLERANCE,
    assert_twins_agree,
    difference,
    every_cell,
    leaves,
    noise,
    states,
    twins,
    under_autocast,
)

import carrousel


@every_cell
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 1), (1, 64, 5, 32), (7, 3, 5, 17), (33, 8, 64, 64)], ids=str
)
def test_forward_without_gradient(cell: str, mode: type, sizes: tuple[int, ...]) -> None:
    steps, batch, inputs, units = sizes
    theirs, ours = twins(cell, inputs, units, 2, bidirectional=True)
    x, hx = noise(steps, batch, inputs), states(theirs, batch)
    with mode():
        pairs = list(zip(leaves(ours(x, hx)), leaves(theirs(x, hx)), strict=True))
    for mine, reference in pairs:
        assert difference(mine, reference) <= TOLERANCE[torch.float32]
        assert not mine.requires_grad
        assert mine.is_inference() == reference.is_inference()


@every_cell
def test_forward_is_the_same_with_and_without_gradient(cell: str) -> None:
    _, ours = twins(cell, 5, 17, 2)
    x = noise(7, 3, 5)
    with torch.no_grad():
        silent = leaves(ours(x))
    for recorded, reference in zip(leaves(ours(x)), silent, strict=True):
        assert difference(recorded, reference) <= TOLERANCE[torch.float32]


@every_cell
def test_a_changed_weight_is_seen_by_the_next_call_without_gradient(cell: str) -> None:
    """Whatever is remembered of the weights between calls must follow every way to change them."""
    theirs, ours = twins(cell, 3, 9)
    x = noise(4, 2, 3)
    with torch.no_grad():
        ours(x)
        for change in (
            lambda layer: layer.weight_hh_l0.mul_(0.5),
            lambda layer: layer.bias_ih_l0.copy_(noise(*layer.bias_ih_l0.shape)),
            lambda layer: setattr(layer.weight_ih_l0, "data", 2 * layer.weight_ih_l0.data),
            lambda layer: setattr(
                layer, "weight_hh_l0", torch.nn.Parameter(-layer.weight_hh_l0.detach())
            ),
        ):
            change(theirs)
            change(ours)
            assert difference(ours(x)[0], theirs(x)[0]) <= TOLERANCE[torch.float32]


@every_cell
def test_a_weight_changed_through_data_is_seen_by_the_next_call(cell: str) -> None:
    """``weight.data.mul_()`` moves no version counter; old code initializes this way."""
    theirs, ours = twins(cell, 3, 9)
    x = noise(4, 2, 3)
    with torch.no_grad():
        ours(x)
        for layer in (theirs, ours):
            layer.weight_hh_l0.data.mul_(-0.5)
        assert difference(ours(x)[0], theirs(x)[0]) <= TOLERANCE[torch.float32]


@every_cell
def test_inference_mode_output_cannot_enter_training(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    with torch.inference_mode():
        x, _ = twins(cell, 3, 3)[1](noise(4, 2, 3))
    with pytest.raises(RuntimeError, match=r"[Ii]nference tensors"):
        ours(x)[0].sum().backward()


@every_cell
def test_autocast_gives_torchs_dtype_and_values(cell: str) -> None:
    theirs, ours = twins(cell, 5, 16)
    x = noise(7, 3, 5)
    expected = leaves(under_autocast(theirs, x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pairs = list(zip(leaves(ours(x)), expected, strict=True))
    for mine, reference in pairs:
        assert mine.dtype == reference.dtype
        assert difference(mine, reference) <= TOLERANCE[torch.bfloat16]
    sum(mine.float().sum() for mine, _ in pairs).backward()
    assert all(w.grad.dtype == torch.float32 for w in ours.parameters())


@every_cell
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_other_dtypes_take_torchs_path(cell: str, dtype: torch.dtype) -> None:
    pair = twins(cell, 5, 16, 2, dtype=dtype)
    assert_twins_agree(pair, noise(4, 3, 5, dtype=dtype), states(pair[0], 3))


@every_cell
def test_meta_device(cell: str) -> None:
    theirs, ours = twins(cell, 5, 16, 2, bidirectional=True)
    x = torch.empty(4, 3, 5, device="meta")
    shapes = [[leaf.shape for leaf in leaves(layer.to("meta")(x))] for layer in (theirs, ours)]
    assert shapes[0] == shapes[1]


@every_cell
def test_conversion_of_dtype_in_place(cell: str) -> None:
    theirs, ours = twins(cell, 5, 16)
    ours(noise(4, 3, 5))
    pair = theirs.double(), ours.double()
    assert_twins_agree(pair, noise(4, 3, 5, dtype=torch.float64))


@every_cell
@pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_equal_and_independent(cell: str, copier) -> None:
    _, ours = twins(cell, 3, 9, 2)
    x = noise(6, 4, 3)
    before = ours(x)[0]
    twin = copier(ours)
    assert type(twin) is type(ours)
    assert torch.equal(twin(x)[0], before)
    with torch.no_grad():
        for weight in twin.parameters():
            weight.zero_()
    assert torch.equal(ours(x)[0], before)


@every_cell
def test_copies_of_a_layer_that_has_a_graph(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    ours(noise(6, 4, 3))[0].sum().backward()
    twin = copy.deepcopy(ours)
    assert_twins_agree((ours, twin), noise(6, 4, 3))


@every_cell
def test_whole_module_saved_and_loaded(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    file = io.BytesIO()
    torch.save(ours, file)
    file.seek(0)
    twin = torch.load(file, weights_only=False)
    assert_twins_agree((ours, twin), noise(6, 4, 3))


@every_cell
def test_state_dict_goes_both_ways(cell: str) -> None:
    theirs, ours = twins(cell, 3, 9, 2, bidirectional=True)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    with torch.no_grad():
        for weight in ours.parameters():
            weight.copy_(noise(*weight.shape))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert_twins_agree((theirs, ours), noise(6, 4, 3))


@every_cell
def test_flatten_parameters_and_all_weights_are_there(cell: str) -> None:
    theirs, ours = twins(cell, 3, 9, 2)
    ours.flatten_parameters()
    assert [len(group) for group in ours.all_weights] == [len(g) for g in theirs.all_weights]


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_is_a_torch_recurrent_layer(name: str) -> None:
    layer = getattr(carrousel, name)(3, 8)
    assert isinstance(layer, torch.nn.RNNBase)
    assert layer.mode == {"RNN": "RNN_TANH"}.get(name, name)


@every_cell
def test_forward_hooks_run(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    seen: list[str] = []
    ours.register_forward_pre_hook(lambda *_: seen.append("before"))
    ours.register_forward_hook(lambda *_: seen.append("after"))
    ours(noise(4, 2, 3))
    assert seen == ["before", "after"]


@every_cell
def test_parametrized_weights(cell: str) -> None:
    """torch's parametrizations compute the weight anew at each access."""
    pair = twins(cell, 3, 9)
    for layer in pair:
        torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    assert_twins_agree(pair, noise(6, 4, 3))
