"""The network against torch's layers, one sequence at a time and without any packing."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn

from carrousel.sequence.layers.entry import Numbers
from carrousel.sequence.layers.pooling import POOLINGS, Pooling
from carrousel.sequence.network import Dropout, Network, Shape, new_network
from carrousel.sequence.ragged import Ragged

SHAPE = Shape(outputs=3, channels=2, hidden=4, pooling="concat")
SHAPES = {
    "one layer": SHAPE,
    "tags": replace(SHAPE, pooling=""),
    "two layers, both directions": replace(SHAPE, layers=2, bidirectional=True),
    "gru with convolutions": replace(SHAPE, cell="gru", filters=4),
    "tags with convolutions": replace(SHAPE, cell="rnn", filters=4, pooling=""),
    "missing numbers": replace(SHAPE, masked=True),
    "tokens": replace(SHAPE, channels=0, tokens=9, embedding=5),
}


def sequences(shape: Shape, lengths: list[int], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    if shape.tokens:
        return [torch.randint(shape.tokens, (n,), generator=generator) for n in lengths]
    return [torch.randn(n, 2, generator=generator, dtype=torch.float64) for n in lengths]


def by_hand(network: Network, x: torch.Tensor) -> torch.Tensor:
    """The rows (T, F) that torch's own layers say of one sequence."""
    rows = network.entry(Ragged.of([x]))
    for layer in network.layers:
        theirs = getattr(nn, type(layer).__name__)(
            layer.input_size, layer.hidden_size, bidirectional=layer.bidirectional
        )
        theirs.load_state_dict(layer.state_dict())
        rows = theirs(rows)[0]
    return rows


def convolved(network: Network, x: torch.Tensor) -> torch.Tensor:
    """The same for the convolutions, each of which sees zeros before the beginning."""
    rows = network.entry(Ragged.of([x]))
    for layer, norm in zip(network.convolution.layers, network.convolution.norms, strict=True):
        line = nn.functional.pad(rows.T, (layer.kernel_size[0] - 1, 0))
        rows = norm(layer(line[None])[0].T).relu()
    return rows


@pytest.mark.parametrize("name", SHAPES)
def test_answers_are_those_of_torchs_layers(name):
    shape = SHAPES[name]
    network = new_network(shape, 0).eval()
    given = sequences(shape, [3, 1, 6])
    found = network(Ragged.of(given))
    for k, x in enumerate(given):
        rows = by_hand(network, x)
        beside = convolved(network, x) if shape.filters else None
        if shape.pooling:
            half = shape.hidden if shape.bidirectional else len(rows[0])
            last = torch.cat([rows[-1, :half], rows[0, half:]])
            pooled = [last, rows.mean(0), rows.amax(0)]
            wanted = network.head(torch.cat(pooled + ([beside.mean(0)] if shape.filters else [])))
            got = found[k]
        else:
            both = rows if beside is None else torch.cat([rows, beside], 1)
            wanted, got = network.head(both), list(found.parts())[k]
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_what_stands_beside_a_sequence_changes_nothing(name):
    network = new_network(SHAPES[name], 0).eval()
    given = sequences(SHAPES[name], [4, 1, 7])
    together = network(Ragged.of(given))
    alone = [network(Ragged.of([x])) for x in given]
    if isinstance(together, Ragged):
        together, alone = together.rows, [one.rows for one in alone]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("lengths", [[1, 2, 30], [4, 4]], ids=["unequal", "equal"])
def test_pooling_is_that_of_each_sequence(kind, bidirectional, lengths):
    pooling = Pooling(kind, 4, 2, bidirectional)
    batch = Ragged.of([torch.randn(n, 6) for n in lengths])
    found = pooling(batch, batch.rows[:, :4], batch.rows[:, 4:])
    for k, x in enumerate(batch.parts()):
        rows, beside = x[:, :4], x[:, 4:]
        last = torch.cat([rows[-1, :2], rows[0, 2:]]) if bidirectional else rows[-1]
        simple = {"last": last, "mean": rows.mean(0), "max": rows.amax(0)}
        simple["concat"] = torch.cat(list(simple.values()))
        if kind == "attention":
            simple[kind] = pooling.weigh(rows).softmax(0).T @ rows
        other = beside.amax(0) if kind == "max" else beside.mean(0)
        wanted = torch.cat([simple[kind].reshape(-1), other])
        torch.testing.assert_close(found[k], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["concat", "max", "mean", "last", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_of_pooling_side_by_side_are_those_of_each_sequence_alone(kind, bidirectional):
    pooling = Pooling(kind, 4, 0, bidirectional).double()
    rows = torch.randn(15, 4, dtype=torch.float64)
    rows[3] = rows[4]  # a largest number that comes twice
    rows.requires_grad_()
    batch = Ragged(rows, torch.full((3,), 5)).for_layers

    def together(x):
        return pooling(batch, Ragged(x, batch.lengths).for_layers.rows, None)

    def alone(x):
        return torch.cat([pooling(Ragged.of([one]), one, None) for one in x.split(5)])

    torch.testing.assert_close(together(rows), alone(rows))
    upstream = torch.randn(3, pooling.width, dtype=torch.float64)
    found, wanted = (torch.autograd.grad(f(rows), rows, upstream)[0] for f in (together, alone))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("lengths", [[1, 2, 30], [4, 4]], ids=["unequal", "equal"])
def test_units_hidden_after_pooling_are_those_hidden_at_every_step(kind, lengths):
    pooling = Pooling(kind, 4, 2, True)
    batch = Ragged.of([torch.randn(n, 6) for n in lengths])
    rows, beside = batch.rows.split((4, 2), 1)
    found = pooling(batch, rows, beside, Dropout(0.5, torch.Generator().manual_seed(3)))
    hide = Dropout(0.5, torch.Generator().manual_seed(3))
    wanted = pooling(batch, hide(batch, rows), hide(batch, beside))
    torch.testing.assert_close(found, wanted)


def test_a_sequence_loses_the_same_units_at_all_its_steps():
    batch = Ragged.of([torch.ones(5, 40), torch.ones(3, 40)])
    rows = Dropout(0.5, torch.Generator().manual_seed(0))(batch, batch.rows)
    first, second = batch.like(rows).parts()
    assert (first == first[0]).all()
    assert (second == second[0]).all()
    assert (first[0] != second[0]).any()
    assert set(rows.unique().tolist()) == {0.0, 2.0}


def test_missing_numbers_are_marked_and_measured_without():
    entry = Numbers(2, masked=True)
    rows = torch.tensor([[1.0, torch.nan], [3.0, 5.0]], dtype=torch.float64)
    entry.measure(rows)
    assert entry.mean.tolist() == [2.0, 5.0]
    said = entry(Ragged.of([rows]))
    assert said.tolist() == [[-1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]]


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e9, 1e300])
def test_numbers_of_any_size_come_to_one_scale(size):
    entry = Numbers(1, masked=False)
    rows = size * torch.randn(1000, 1, dtype=torch.float64, generator=torch.manual_seed(0))
    entry.measure(rows)
    said = entry(Ragged.of([rows])).double()
    assert abs(float(said.mean())) < 1e-5
    assert abs(float(said.std()) - 1) < 1e-3


def test_a_constant_channel_says_nothing():
    entry = Numbers(1, masked=False)
    entry.measure(torch.full((7, 1), 0.1, dtype=torch.float64))
    assert entry(Ragged.of([torch.full((2, 1), 0.1)])).abs().max() < 1e-6


def test_a_network_follows_from_its_seed_alone():
    before = torch.random.get_rng_state()
    one, other = new_network(SHAPE, 5), new_network(SHAPE, 5)
    assert torch.equal(torch.random.get_rng_state(), before)
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(itertools.starmap(torch.equal, pairs))


def test_one_step_can_be_learned_from_with_convolutions():
    network = new_network(SHAPES["gru with convolutions"], 0).train()
    network(Ragged.of([torch.randn(1, 2)])).sum().backward()
