"""Cells that somebody wrote, with gates and states of their own, in a layer."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.nn.twins import difference, leaves, noise, weighted_sum
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.explain import attribute, gradient_flow, half_life, influence, ledger, survival
from carrousel.explain.dictionary import writes_of
from carrousel.nn import Equations
from carrousel.ops.written import kind_of, of_kind, short

F64 = torch.float64


def slstm(x: Tensor, h: Tensor, c: Tensor, normalizer: Tensor, stabilizer: Tensor, w: Any) -> Any:
    """The sLSTM of Beck et al. 2024, once more."""
    i, f, z, o = (x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih).chunk(4, -1)
    kept = logsigmoid(f) + torch.where(normalizer == 0, float("-inf"), stabilizer)
    m = torch.maximum(kept, i)
    write, keep = w.hand("write", (i - m).exp()), w.hand("keep", (kept - m).exp())
    new, show = w.hand("new", z.tanh()), w.hand("show", o.sigmoid())
    c = w.hand("cell", keep * c + write * new)
    normalizer = w.hand("normalizer", keep * normalizer + write)
    h = w.hand("hidden", show * c / normalizer)
    gates = {"show": show, "write": write, "keep": keep, "new": new}
    return h, c, normalizer, m, gates


SLSTM = Equations(
    slstm, gates=("write", "keep", "new", "show"),
    states=("hidden", "cell", "normalizer", "stabilizer"),
    memory="cell = keep * cell + write * new",
)  # fmt: skip
NAMES = {"write": "input", "keep": "forget", "new": "candidate", "show": "output"}


def pair(**options: Any) -> tuple[Any, Any]:
    """The written sLSTM and ours, of the same weights."""
    torch.manual_seed(0)
    ours = carrousel.SLSTM(3, 5, dtype=F64, **options)
    written = carrousel.RNN(3, 5, dtype=F64, equations=SLSTM, **options)
    for name, weight in ours.state_dict().items():
        own = written.state_dict()
        own[name.replace("bias", "bias_ih")].copy_(weight)
    return written, ours


def packed(x: Tensor) -> Any:
    return pack_padded_sequence(x, torch.tensor([6, 2, 4]), enforce_sorted=False)


def test_an_slstm_that_is_written_gives_the_numbers_of_ours():
    written, ours = pair(num_layers=2, bidirectional=True)
    x = noise(6, 3, 3, dtype=F64).requires_grad_()
    start = [noise(4, 3, 5, seed=k, dtype=F64).abs() for k in range(4)]
    for given in ((x,), (x, tuple(start)), (packed(x), tuple(start)), (x[:, 0],)):
        found = []
        for layer in (written, ours):
            output, states = layer(*given)
            assert len(states) == 4
            data = output if isinstance(output, Tensor) else output.data
            total = weighted_sum([data, *states])
            found.append([data, *states, *torch.autograd.grad(total, x, retain_graph=True)])
        for one, other in zip(*found, strict=True):
            assert difference(one, other) < 1e-10


@pytest.mark.parametrize("is_packed", [False, True])
def test_its_record_is_that_of_ours_under_its_own_names(is_packed: bool):
    written, ours = pair(num_layers=2, bidirectional=True)
    x = noise(6, 3, 3, dtype=F64)
    given = packed(x) if is_packed else x
    records = []
    for layer in (written, ours):
        with carrousel.trace(layer) as trace:
            output, _ = layer(given)
            weighted_sum([output if isinstance(output, Tensor) else output.data]).backward()
        records.append(trace[0])
    one, other = records
    assert tuple(one.gates) == (*SLSTM.gates, "normalizer", "stabilizer")
    for name, array in one.arrays().items():
        expected = other.arrays()[NAMES.get(name, name)]
        torch.testing.assert_close(array, expected, equal_nan=True)
    torch.testing.assert_close(ledger(one).contributions, ledger(other).contributions)
    torch.testing.assert_close(influence(one).output, influence(other).output)
    mine, theirs = half_life(one), half_life(other)
    for name in ("gates", "jacobian", "ablation"):
        torch.testing.assert_close(getattr(mine, name), getattr(theirs, name))
    states = [layer(given, return_states=True)[2] for layer in (written, ours)]
    for name, gate in states[0].gates.items():
        torch.testing.assert_close(gate, states[1].gates[NAMES.get(name, name)])


def test_a_step_is_derived_twice_and_compiled():
    written, _ = pair()
    x = noise(3, 2, 3, dtype=F64).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda given: written(given)[0], x)
    compiled = torch.compile(written, fullgraph=True, backend="eager")
    for one, other in zip(leaves(compiled(x)), leaves(written(x)), strict=True):
        assert difference(one, other) < 1e-12
    torch.compiler.reset()


def test_it_is_changed_by_hand_by_its_own_names():
    written, _ = pair(bidirectional=True)
    x = noise(6, 3, 3, dtype=F64)
    with carrousel.intervene(written) as change, carrousel.trace(written) as trace:
        change.set("keep", 1.0, steps=[2], units=[0])
        change.scale("normalizer", 2.0, steps=[4], direction=0)
        written(packed(x))
        with pytest.raises(ValueError, match=r"name must be .*keep"):
            change.set("forget", 1.0)
    assert (trace[0].gates["keep"][:, 2, 0, 0] == 1).all()
    assert ledger(trace[0]).error < 1e-10


def leaky(x: Tensor, h: Tensor, w: Any) -> Any:
    keep, new = (x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih + w.bias_hh).chunk(2, -1)
    keep, new = keep.sigmoid(), new.tanh()
    return keep * h + (1 - keep) * new, {"keep": keep, "new": new}


LEAKY = Equations(leaky, gates=("keep", "new"), memory="hidden=keep*hidden+(1-keep)*new")


def test_a_record_in_a_file_and_copies_know_the_cell(tmp_path: Path):
    layer = carrousel.GRU(3, 5, 2, equations=LEAKY, learn_initial_state=True, zoneout=0.2)
    assert layer.weight_ih_l1.shape == (10, 5)
    assert layer.h_0.shape == (2, 1, 5)
    x = noise(6, 2, 3)
    layer.eval()
    with carrousel.trace(layer) as trace:
        layer(x)
    assert short(trace[0].kind) == "leaky"
    assert trace[0].kind.endswith("hidden = keep * hidden + (1 - keep) * new")
    assert repr(trace[0]).startswith("Record('', call=0, leaky, levels=2")
    trace.save(tmp_path / "run")
    found = carrousel.load_trace(tmp_path / "run")[0]
    assert ledger(found).error < 1e-6
    assert torch.equal(ledger(found).contributions, ledger(trace[0]).contributions)
    projected = ledger(found).project(noise(4, 5))
    assert projected.error < 1e-6
    assert {"keep", "new", "hidden"} <= set(found.to_dataframe("pandas").columns)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x)[0], layer(x)[0])
        assert twin.own_cell is not None
        assert twin.own_cell.name == trace[0].kind


def test_pictures_of_gates_of_ones_own():
    pytest.importorskip("matplotlib")
    layer = carrousel.RNN(3, 5, equations=LEAKY)
    with carrousel.trace(layer) as trace:
        layer(noise(6, 2, 3))
    axes = trace[0].plot().axes
    assert {"keep", "new", "hidden"} <= {axis.get_ylabel() for axis in axes}
    assert gradient_flow(layer, noise(6, 2, 3)).plot().axes


def test_what_the_ledger_does_not_know_it_refuses():
    x = noise(6, 2, 3)

    def record(**said: Any) -> Any:
        layer = carrousel.RNN(3, 5, equations=Equations(leaky, gates=("keep", "new"), **said))
        with carrousel.trace(layer) as trace:
            layer(x)
        return layer, trace[0]

    layer, silent = record()
    with pytest.raises(ValueError, match="a leaky overwrites its state, or does not say what it"):
        writes_of(silent)
    for ask in (ledger, survival, influence):
        with pytest.raises(ValueError, match=r"do not say how the memory is a sum; give Equations"):
            ask(silent)
    found = half_life(silent, layer)
    assert found.gates is None
    assert found.jacobian.shape == (1, 5)
    _, told = record(memory="hidden = keep * hidden + (1 - keep) * new")
    written = (1 - told.gates["keep"].double()) * told.gates["new"].double()
    torch.testing.assert_close(writes_of(told), written[-1])
    _, wrong = record(memory="hidden = keep * hidden + new")
    with pytest.raises(ValueError, match=r"is not hidden = keep \* hidden \+ new, as its eq"):
        ledger(wrong)


def test_a_memory_that_is_shown_in_its_own_way_is_not_shared_out():
    written, _ = pair()
    x = noise(6, 2, 3, dtype=F64)
    with carrousel.trace(written) as trace:
        written(x)
    with pytest.raises(ValueError, match="layer_norm, zoneout or equations"):
        ledger(trace[0]).project(noise(4, 5, dtype=F64))
    with pytest.raises(ValueError, match="layer_norm, zoneout or equations"):
        attribute(written, x, lambda out: out[0][-1].sum(-1), method="ledger")


@pytest.mark.parametrize(
    ("words", "given"),
    {
        "gates must have names of letters and digits, got 'a b'": {"gates": ["a b"]},
        "gates must have names that nothing else has, got 'kept'": {"gates": ["kept"]},
        "gates must have names that nothing else has, got 'cell'": {
            "gates": ["cell"], "states": ["hidden", "cell"],
        },
        "states must begin with 'hidden', got ": {"states": ["h", "c"]},
        "states must have 'cell' second": {"states": ["hidden", "n", "cell"]},
        "gates must be a sequence of names": {"gates": "keep"},
        "memory must be hidden = gate": {"gates": ["keep"], "memory": "keep * hidden"},
        r"memory must be made of the gates \('keep',\), got 'new'": {
            "gates": ["keep"], "memory": "hidden = keep * hidden + new",
        },
        "blocks must be a whole number above 0, got 0": {"blocks": 0},
        "rate must be a whole number above 0, got 1.5": {"vectors": {"rate": 1.5}},
        "vectors must have names of their own, got 'hand'": {"vectors": {"hand": 1}},
        r"must have a step of \(x, h, slow, w\), got one of \(x, h, w\)": {
            "states": ["hidden", "slow"],
        },
    }.items(),
)  # fmt: skip
def test_descriptions_that_are_refused(words: str, given: dict[str, Any]):
    with pytest.raises((TypeError, ValueError), match=words):
        carrousel.RNN(3, 5, equations=Equations(leaky, **given))


def test_options_that_such_a_cell_does_not_have():
    with pytest.raises(ValueError, match="zoneout must be 0 with states beside"):
        carrousel.RNN(3, 5, equations=SLSTM, zoneout=0.1)
    with pytest.raises(ValueError, match="proj_size must be 0 with gates or states"):
        carrousel.LSTM(3, 5, proj_size=2, equations=SLSTM)
    with pytest.raises(ValueError, match="blocks must be"):
        Equations(leaky, blocks=True)
    with pytest.raises(TypeError, match="step must be a function"):
        Equations(3)  # type: ignore[arg-type]


def test_steps_and_states_of_the_wrong_shape():
    def give(*found: Any) -> Any:
        return lambda x, h, slow, w: found if len(found) > 1 else found[0]

    h, gates = torch.zeros(2, 5), {"keep": torch.zeros(2, 5)}
    wrong = {
        "must give h, slow and gates, got Tensor": (h,),
        "must give h, slow and gates, got 2 of them": (h, gates),
        r"must give slow \(2, 5\), got torch.Size\(\[1, 5\]\)": (h, h[:1], gates),
        r"must give the gate 'keep' \(2, 5\), got torch.Size\(\[2, 1\]\)": (
            h, h, {"keep": h[:, :1]},
        ),
        r"must give the gate 'keep' \(2, 5\), got float": (h, h, {"keep": 1.0}),
        "must give slow in torch.float32, got torch.float64": (h, h.double(), gates),
        r"must give the gates \('keep',\), got \('new',\)": (h, h, {"new": h}),
    }  # fmt: skip
    own = {"gates": ["keep"], "states": ["hidden", "slow"]}
    for words, found in wrong.items():
        layer = carrousel.RNN(3, 5, equations=Equations(give(*found), **own))
        with pytest.raises(ValueError, match=words):
            layer(torch.zeros(4, 2, 3))
    layer = carrousel.RNN(3, 5, equations=Equations(give(h, h, gates), **own))
    with pytest.raises(ValueError, match=r"hx must be a tuple of h, slow, torch.float32 \(1, 2, 5"):
        layer(torch.zeros(4, 2, 3), torch.zeros(1, 2, 5))
    with pytest.raises(ValueError, match=r"hx must be .*\(1, 5\), got torch.float32 \(1, 2, 5\)"):
        layer(torch.zeros(4, 3), (torch.zeros(1, 2, 5), torch.zeros(1, 2, 5)))


def test_states_without_gates():
    def step(x: Tensor, h: Tensor, slow: Tensor, w: Any) -> Any:
        h = (x @ w.weight_ih.T + slow @ w.weight_hh.T + w.bias_ih).tanh()
        return h, 0.9 * slow + 0.1 * h

    layer = carrousel.RNN(3, 5, 2, batch_first=True, learn_initial_state=True,
                          equations=Equations(step, states=["hidden", "slow"]))  # fmt: skip
    assert layer.slow_0.shape == (2, 1, 5)
    x = noise(2, 6, 3)
    output, (h, slow) = layer(x)
    _, rest = layer(x[:, :4])
    assert difference(layer(x[:, 4:], rest)[0], output[:, 4:]) < 1e-6
    assert h.shape == slow.shape == (2, 2, 5)
    with carrousel.trace(layer) as trace:
        layer(x)
    assert tuple(trace[0].gates) == ("slow",)
    assert trace[0].initial("slow").shape == (2, 2, 5)
    assert trace[0].cell is None
    flow = gradient_flow(layer, x)
    assert flow.cell is None
    assert flow.hidden.isfinite().all()
    assert half_life(trace[0]).ablation.shape == (2, 5)


def test_kinds_are_read_from_their_names():
    kind = kind_of("<lambda>", (), ("hidden",), None)
    assert kind == "written: gates none; states hidden"
    assert of_kind(kind).gates == ()
    assert of_kind(kind) is of_kind(kind)
    for wrong in (
        "",
        "lstm2",
        "a: gates b",
        "a: gates b; states c",
        "a: gates b; states hidden; ",
    ):
        with pytest.raises(ValueError, match="must"):
            of_kind(wrong)
