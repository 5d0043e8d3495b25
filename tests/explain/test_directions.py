"""Probes, steering and dictionaries on states and writes whose answer is known."""

import pytest
import torch
from torch import nn

import carrousel
from carrousel.explain import Place, probe, replace_writes, steer, write_dictionary
from carrousel.explain.dictionary import writes_of


def states_with(direction, labels, noise=1.0, seed=0):
    rest = torch.randn(len(labels), len(direction), generator=torch.Generator().manual_seed(seed))
    return noise * rest + labels[:, None] * direction


def test_a_probe_finds_the_direction_that_was_put_there():
    direction = torch.tensor([3.0, 0, -2, 0, 0, 1])
    labels = torch.arange(300) % 2
    found = probe(states_with(direction, labels), labels)
    assert float(found.direction @ direction.double() / direction.norm()) > 0.95
    assert found.score > 0.9
    assert found.selectivity > 0.3
    assert found.baseline == 0.5
    means = probe(states_with(direction, labels), labels, kind="means")
    assert float(means.direction @ direction.double() / direction.norm()) > 0.95
    assert means.score > 0.9


def test_a_number_is_found_by_ridge_and_nothing_where_there_is_nothing():
    levels = torch.linspace(-2, 2, 300)
    direction = torch.tensor([0.0, 1, 1, 0])
    found = probe(states_with(direction, levels, 0.3), levels, kind="ridge")
    assert found.score > 0.9
    assert max(found.shuffled) < 0.1
    nothing = probe(torch.randn(300, 4, generator=torch.Generator().manual_seed(1)), levels > 0)
    assert nothing.selectivity < 0.1


def test_groups_are_held_out_together():
    """Each group's states hold its name: who has seen the group knows the label, others do not."""
    generator = torch.Generator().manual_seed(0)
    names = torch.randn(20, 30, generator=generator).repeat_interleave(10, 0)
    labels = (torch.rand(20, generator=generator) < 0.5).long().repeat_interleave(10)
    groups = [k // 10 for k in range(200)]
    assert probe(names, labels).score > 0.95
    assert probe(names, labels, groups=groups).score < 0.8


class Unit(nn.Module):
    """Says what one unit shows after the last step."""

    def __init__(self, kind="LSTM"):
        super().__init__()
        self.rnn = getattr(nn, kind)(2, 5, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0][:, -1, 1]


def test_steering_adds_the_dose_and_random_directions_stand_beside():
    torch.manual_seed(0)
    model, x = Unit().double(), torch.randn(3, 6, 2, dtype=torch.float64)
    found = steer(model, x, torch.eye(5)[1], doses=[-1, 0, 2], scale=0.5)
    before = model(x).mean().detach()
    expected = before + 0.5 * torch.tensor([-1.0, 0, 2])
    torch.testing.assert_close(found.effect, expected.double())
    assert found.random.shape == (5, 3)
    assert (found.random[:, 1] == found.effect[1]).all()
    cell = steer(model, x, torch.eye(5)[1], doses=[1], steps=[2, 3], place=Place("cell"), scale=1.0)
    with torch.no_grad(), carrousel.intervene(model) as change:
        change.add("cell", torch.eye(5)[1].double(), steps=[2, 3])
        torch.testing.assert_close(cell.effect[0], model(x).mean())
    assert found.plot().axes
    assert found.to_dataframe().shape == (3, 4)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_writes_are_those_of_the_ledger(kind):
    layer = getattr(carrousel, kind)(2, 4)
    with carrousel.trace(layer) as trace:
        layer(torch.randn(6, 2, 2))
    record = trace[-1]
    memory = record.cell if kind == "LSTM" else record.hidden
    keeps = record.gates["forget" if kind == "LSTM" else "update"]
    before = torch.cat([torch.zeros(1, 1, 2, 4), memory[:, :-1]], 1)
    torch.testing.assert_close(writes_of(record), (memory - keeps * before)[-1].double(),
                               rtol=1e-4, atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_dictionary_names_the_words_and_replacing_by_it_beats_deleting(kind):
    torch.manual_seed(0)
    words = torch.randint(0, 3, (8, 12))  # three words, so that there are about three writes
    x = torch.eye(3)[words][..., :2] * 3
    model = Unit(kind)
    with torch.no_grad():
        model.rnn.weight_hh_l0.mul_(0.2)
    with carrousel.trace(model) as trace:
        model(x)
    found = write_dictionary(trace[-1], entries=4, active=2)
    assert found.explained > 0.8
    assert found.explained > found.random - 0.05
    assert int((found.codes != 0).sum(1).max()) <= 2
    rows = found.uses([[["abc"[w] for w in line] for line in words.tolist()]])
    assert len(rows) == 4
    assert any("a " in row["used by"] for row in rows)
    changed = replace_writes(model, x, found)
    assert changed.means["dictionary"] < changed.means["another"]
    assert changed.means["dictionary"] < changed.means["deleted"]
    assert changed.by_step["deleted"].shape == (12,)
    assert found.plot().axes
    assert found.to_dataframe().shape[1] == 5
    assert "deleted" in str(changed)


def test_replacing_a_write_is_what_it_says():
    torch.manual_seed(1)
    model, x = Unit().double(), torch.randn(2, 7, 2, dtype=torch.float64)
    with carrousel.trace(model) as trace:
        model(x)
    found = write_dictionary(trace[-1], entries=3, active=1)
    changed = replace_writes(model, x, found)
    before = model(x).detach()
    for t in range(7):
        with torch.no_grad(), carrousel.intervene(model) as change:
            change.set("input", 0.0, steps=t)  # then nothing is written
            expected = (model(x) - before).abs().mean()
        torch.testing.assert_close(changed.by_step["deleted"][t], expected)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda: probe(torch.randn(5), [0] * 5), r"states must be a tensor \(N, U\)"),
        (lambda: probe(torch.randn(5, 2), [0] * 4), r"labels must be \(5,\)"),
        (lambda: probe(torch.randn(5, 2), [0] * 5), "labels must be of two kinds"),
        (lambda: probe(torch.randn(5, 2), [0] * 5, kind="tree"), "kind must be one of"),
        (lambda: probe(torch.randn(4, 2), [0, 1, 0, 1], groups="ab"), r"groups must be \(4,\)"),
        (lambda: steer(Unit(), torch.randn(1, 3, 2), torch.zeros(5)), "direction must be"),
    ],
)
def test_what_does_not_fit_is_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        asked()
