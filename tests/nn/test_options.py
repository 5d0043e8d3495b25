"""The constructor's options and the shapes of input, beyond the grid of sizes."""

from typing import Any

import pytest
import torch
from tests.nn.twins import CELLS, assert_twins_agree, every_cell, noise, states, twins
from torch import nn

import carrousel

no_onednn_warning = pytest.mark.filterwarnings("ignore:LSTM with projections")


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
def test_unbatched_input(cell: str, batch_first: bool, bidirectional: bool) -> None:
    pair = twins(cell, 3, 8, 2, bidirectional=bidirectional, batch_first=batch_first)
    assert_twins_agree(pair, noise(7, 3))
    assert_twins_agree(pair, noise(7, 3), states(pair[0], None))
    assert pair[1](noise(7, 3))[0].shape == (7, 16 if bidirectional else 8)


@every_cell
def test_a_batch_of_no_sequences_gives_an_empty_result(cell: str) -> None:
    assert_twins_agree(twins(cell, 3, 8, 2), noise(4, 0, 3))


@every_cell
def test_long_sequence(cell: str) -> None:
    assert_twins_agree(twins(cell, 2, 6, dtype=torch.float64), noise(700, 2, 2).double())


@every_cell
@pytest.mark.parametrize(
    "sizes",
    [(3, 33, 100, 100), (5, 64, 3, 50), (2, 130, 7, 129), (3, 2, 200, 31), (2, 1, 1, 257)],
    ids=lambda s: "T={} B={} I={} H={}".format(*s),
)
def test_sizes_beside_every_tile(cell: str, sizes: tuple[int, int, int, int]) -> None:
    steps, batch, inputs, units = sizes
    pair = twins(cell, inputs, units, bidirectional=True)
    assert_twins_agree(pair, noise(steps, batch, inputs), states(pair[0], batch))


@no_onednn_warning
@pytest.mark.parametrize("proj_size", [1, 4, 7], ids=lambda p: f"projected to {p}")
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
def test_projected_lstm(proj_size: int, bidirectional: bool) -> None:
    pair = twins("LSTM", 3, 8, 2, proj_size=proj_size, bidirectional=bidirectional)
    assert_twins_agree(pair, noise(5, 4, 3))
    assert_twins_agree(pair, noise(5, 4, 3), states(pair[0], 4))


@every_cell
def test_dropout_does_nothing_in_evaluation(cell: str) -> None:
    theirs, ours = twins(cell, 3, 8, 3, dropout=0.7)
    assert_twins_agree((theirs.eval(), ours.eval()), noise(6, 4, 3))


@every_cell
def test_dropout_drops_its_share_between_layers_and_rescales_the_rest(cell: str) -> None:
    """The second layer only copies its input, scaled down to where tanh is a line: T = 1."""
    share, units = 0.3, 40
    _, ours = twins(cell, 3, units, 2, dropout=share, bias=False)
    with torch.no_grad():
        ours.weight_ih_l1.zero_()
        candidate = {"LSTM": 2 * units, "GRU": 2 * units}.get(cell, 0)
        ours.weight_ih_l1[candidate : candidate + units] = 1e-2 * torch.eye(units)
    x = noise(1, 500, 3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        dropped = ours.train()(x)[0].detach()
    whole = ours.eval()(x)[0].detach()
    ratio = (dropped / whole)[whole != 0]
    assert (ratio == 0).double().mean().item() == pytest.approx(share, abs=0.02)
    kept = ratio[ratio != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - share)), rtol=1e-3, atol=0)


@every_cell
def test_dropout_of_one_cuts_the_lower_layer_off(cell: str) -> None:
    _, ours = twins(cell, 3, 8, 2, dropout=1.0)
    x = noise(5, 4, 3).requires_grad_()
    ours(x)[0].sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


@every_cell
def test_dropout_follows_torchs_seed(cell: str) -> None:
    _, ours = twins(cell, 3, 8, 2, dropout=0.5)
    runs = []
    for seed in (1, 1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            runs.append(ours(noise(5, 4, 3))[0])
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


@every_cell
def test_repr_is_torchs(cell: str) -> None:
    theirs, ours = twins(cell, 3, 8, 2, batch_first=True, bidirectional=True)
    assert repr(ours) == repr(theirs)


@every_cell
def test_same_initial_weights_from_the_same_seed(cell: str) -> None:
    name, needs = CELLS[cell]
    weights = []
    for home in (nn, carrousel):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(11)
            weights.append(getattr(home, name)(3, 8, 2, **needs).state_dict())
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize(
    "options",
    [{"layer_norm": True}, {"peepholes": True}, {"zoneout": 0.1}, {"learn_initial_state": True}],
    ids=str,
)
def test_an_input_of_another_dtype_is_named(options: Any) -> None:
    layer = carrousel.LSTM(3, 5, **options)
    with pytest.raises(ValueError, match="float32 on cpu as the weights are, got"):
        layer(torch.zeros(4, 2, 3, dtype=torch.int64))
