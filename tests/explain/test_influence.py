"""How much of step s is in the state at t, against the ledger at every step and autograd."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.explain import influence, ledger


def traced(kind, lengths=(7, 4, 6), both=True, dtype=torch.float64):
    torch.manual_seed(0)
    layer = getattr(carrousel, kind)(3, 5, bidirectional=both).to(dtype)
    x = torch.randn(max(lengths), len(lengths), 3, dtype=dtype)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    with carrousel.trace(layer) as trace:
        layer(packed)
    return trace[-1], layer, x


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_every_row_is_the_ledger_at_its_step(kind):
    record, _, _ = traced(kind)
    found = influence(record)
    assert found.error < 1e-12
    for t in range(7):
        books = ledger(record, at=t)
        parts = books.contributions.abs().sum(-1)  # (L*D, T, B)
        start = books.initial.abs().sum(-1)
        share = parts / (parts.sum(1) + start).clamp_min(1e-300)[:, None]
        present = record.present[t]
        torch.testing.assert_close(
            found.carried[:, t][..., present], share[..., present], rtol=1e-9, atol=1e-12
        )
        assert (found.carried[:, t][..., ~present] == 0).all()


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_full_derivatives_are_those_of_autograd(kind):
    record, layer, x = traced(kind, lengths=(5,), both=False)
    found = influence(record, jacobian=True)

    def end_from(state, start, end):
        states = [s[None, None] for s in state.unbind(0)]
        hx = tuple(states) if kind == "LSTM" else states[0]
        out = layer(x[start + 1 : end + 1], hx)[1]
        return out[1].flatten() if kind == "LSTM" else out.flatten()

    for end in range(1, 5):
        for start in range(end):
            hidden = record.hidden[0, start, 0]
            if kind == "GRU":
                slope = torch.autograd.functional.jacobian(
                    lambda h, s=start, e=end: end_from(h[None], s, e), hidden
                )
            else:  # all that follows from c, the hidden state of the same step included
                output = record.gates["output"][0, start, 0]
                slope = torch.autograd.functional.jacobian(
                    lambda c, o=output, s=start, e=end: end_from(
                        torch.stack([o * c.tanh(), c]), s, e
                    ),
                    record.cell[0, start, 0],
                )
            assert found.jacobian[0, end, start, 0].item() == pytest.approx(
                slope.norm().item(), rel=1e-9
            )


def test_a_memory_that_was_set_holds_nothing_older():
    torch.manual_seed(1)
    layer = carrousel.LSTM(2, 4)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set("cell", 0.7, steps=3)
        layer(torch.randn(8, 2, 2))
    found = influence(trace[-1])
    assert found.error < 1e-6
    assert (found.carried[0, 3:, :3] == 0).all()
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.freeze("forget", steps=2)
        layer(torch.randn(8, 2, 2))
    with pytest.raises(ValueError, match=r"'forget' .* was frozen"):
        influence(trace[-1], jacobian=True, layer=layer)


def test_the_output_holds_what_the_memory_holds_as_far_as_it_is_shown():
    torch.manual_seed(2)
    lstm = carrousel.LSTM(2, 3).double()
    x = torch.randn(5, 1, 2, dtype=torch.float64)
    with carrousel.trace(lstm) as trace:
        lstm(x)
    record = trace[-1]
    gates = {name: gate[0, :, 0] for name, gate in record.gates.items()}
    terms = torch.zeros(5, 3, dtype=torch.float64)
    for t in range(5):
        terms *= gates["forget"][t]
        terms[t] = gates["input"][t] * gates["candidate"][t]
        parts = (gates["output"][t] * torch.tanh(terms.sum(0)) / terms.sum(0) * terms).abs().sum(1)
        found = influence(record).output[0, t, :, 0]
        torch.testing.assert_close(found, parts / parts.sum(), rtol=1e-6, atol=1e-9)
    gru, _, _ = traced("GRU", lengths=(4, 3))
    same = influence(gru)
    torch.testing.assert_close(same.output, same.carried)


def test_table_and_picture():
    record, layer, _ = traced("GRU", lengths=(4, 3))
    found = influence(record, jacobian=True, layer=layer)
    table = found.to_dataframe("pandas")
    assert list(table) == ["entry", "sequence", "step", "of_step", "carried", "output", "jacobian"]
    assert len(table) == 2 * 2 * 4 * 4
    row = table.query("entry == 1 and sequence == 0 and step == 1 and of_step == 3").iloc[0]
    assert row.carried == found.carried[1, 1, 3, 0].item()
    figure = found.plot(tokens=["a", "b", "c", "d"], index=0)
    assert [axis.get_title() for axis in figure.axes[:2]] == [
        "share of the memory",
        "full derivative, relative",
    ]
    with pytest.raises(ValueError, match="plain RNN"):
        influence(traced("RNN")[0])
