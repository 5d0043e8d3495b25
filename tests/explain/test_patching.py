"""Single states taken from another run, and states taken away, against runs one by one."""

import pytest
import torch
from torch import nn

import carrousel
from carrousel.explain import Place, ablation_curves, activation_patching


class Reader(nn.Module):
    """Says one number after the last step of sequences (B, T, 2), or (T, B, 2)."""

    def __init__(self, kind, first=True, own=False):
        super().__init__()
        self.rnn = getattr(carrousel if own else nn, kind)(2, 5, num_layers=2, batch_first=first)
        self.head = nn.Linear(5, 1)
        self.first = first

    def forward(self, x):
        y = self.rnn(x)[0]
        return self.head(y[:, -1] if self.first else y[-1])[:, 0]


def two_inputs(first=True):
    x, other = torch.randn(2, 3, 6, 2, dtype=torch.float64)
    return (x, other) if first else (x.transpose(0, 1), other.transpose(0, 1))


@pytest.mark.parametrize("first", [True, False], ids=["batch first", "steps first"])
@pytest.mark.parametrize(
    ("kind", "state"),
    [("LSTM", "cell"), ("LSTM", "forget"), ("GRU", "hidden"), ("RNN", "hidden")],
)
def test_each_number_of_the_map_is_a_run_with_that_number_patched(kind, state, first):
    torch.manual_seed(0)
    model = Reader(kind, first, own=first).double()
    x, other = two_inputs(first)
    place = Place(state, level=0)
    found = activation_patching(model, x, other, steps=[0, 3, 5], units=[1, 4], place=place)
    with torch.no_grad(), carrousel.trace(model) as trace:
        there = model(other)
    torch.testing.assert_close(found.other, there)
    for s, step in enumerate([0, 3, 5]):
        for u, unit in enumerate([1, 4]):
            with torch.no_grad(), carrousel.intervene(model) as change:
                change.patch(state, trace[-1], steps=step, units=unit, level=0)
                patched = model(x)
            expected = patched - model(x).detach()
            torch.testing.assert_close(found.effects[:, s, u], expected, rtol=1e-9, atol=1e-12)
    assert found.to_dataframe()["effect"].len() == 3 * 3 * 2
    assert found.plot(sequence=1, tokens=list("abcdef")).axes


def test_a_whole_state_of_the_last_step_carries_the_whole_way():
    torch.manual_seed(1)
    model = Reader("GRU").double()
    x, other = two_inputs()
    scores = torch.zeros(3, 6)
    scores[:, -1] = 1
    found = ablation_curves(model, x, {"last": scores}, over="steps", by=other, counts=[1])
    way = (model(other) - model(x)).abs().mean().detach()
    torch.testing.assert_close(found.curves["last"][0], way)
    torch.testing.assert_close(found.curves["recency"][0], way)  # the same order
    assert found.failures == ["last"]
    assert "no better than a baseline" in str(found)


@pytest.mark.parametrize("over", ["units", "steps", "states"])
def test_what_is_taken_away_is_what_a_ranking_says(over):
    torch.manual_seed(2)
    model = Reader("LSTM").double()
    x, _ = two_inputs()
    scores = torch.rand({"units": (5,), "steps": (3, 6), "states": (3, 6, 5)}[over])
    found = ablation_curves(
        model, x, {"given": scores}, over=over, by="zero", counts=[1, 2], place=Place("cell")
    )
    before = model(x).detach()
    for k, count in enumerate((1, 2)):
        changes = []
        for b in range(3):
            with torch.no_grad(), carrousel.intervene(model) as change:
                for item in scores[b if over != "units" else ...].flatten().topk(count)[1].tolist():
                    where = {"units": item % 5, "steps": item // 5}
                    where = {over: item} if over != "states" else where
                    change.set("cell", 0.0, level=1, **where)
                changes.append((model(x[b : b + 1]) - before[b]).abs())
        torch.testing.assert_close(found.curves["given"][k], torch.cat(changes).mean())
    assert set(found.curves) == {"given", "random", "size" if over == "units" else "recency"}
    assert found.plot().axes
    assert found.to_dataframe().shape == (6, 4)


def test_a_ranking_that_knows_beats_those_that_do_not():
    torch.manual_seed(3)
    model = Reader("LSTM").double()
    with torch.no_grad():
        model.head.weight[0] = torch.tensor([0.0, 0, 1, 0, 0])
        model.rnn.weight_hh_l1.zero_()  # so that units do not hear each other
    x, _ = two_inputs()
    found = ablation_curves(model, x, {"head": model.head.weight[0]}, by="zero", counts=[1])
    assert found.area("head") > found.area("random")


def test_masks_of_a_change_reach_packed_sequences_and_the_books():
    torch.manual_seed(4)
    layer = carrousel.LSTM(2, 3).double()
    x = torch.randn(5, 3, 2, dtype=torch.float64)
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 5, 4]), enforce_sorted=False)
    mask = torch.rand(2, 3, 3) < 0.5
    values = torch.randn(2, 3, 3, dtype=torch.float64)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set("cell", values, mask=mask, steps=[1, 3])
        layer(packed)
    cell = trace[-1].cell[0]
    for k, step in enumerate((1, 3)):
        here = mask[k] & (torch.tensor([3, 5, 4]) > step)[:, None]
        assert torch.equal(cell[step][here], values[k][here])
    assert carrousel.explain.ledger(trace[-1]).error < 1e-12
    with carrousel.intervene(layer) as change, pytest.raises(TypeError, match="mask must be"):
        change.set("cell", values, mask=values, steps=[1, 3])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda m, x: activation_patching(m, x, x[:, :4]), "other must have the 6 steps"),
        (lambda m, x: activation_patching(m, x, x, units=[9]), "units must be some of 0 to 4"),
        (lambda m, x: activation_patching(m, x, x, place=Place("reset")), "state must be one of"),
        (lambda m, x: ablation_curves(m, x, {"a": x}), r"ranking 'a' must have a score for each"),
        (lambda m, x: ablation_curves(m, x, {"size": x}), "is a baseline's"),
        (lambda m, x: ablation_curves(m, x, {}, counts=[9]), "counts must be from 1 to 5"),
        (lambda m, x: ablation_curves(m, x, {}, by="nothing"), "by must be one of 'mean', 'zero'"),
        (lambda m, x: ablation_curves(m, x, {}, over="words"), "over must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(asked, message):
    model = Reader("LSTM").double()
    with pytest.raises(ValueError, match=message):
        asked(model, two_inputs()[0])
