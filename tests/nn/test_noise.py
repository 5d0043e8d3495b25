"""Dropout of one mask for all steps, DropConnect, zoneout, learned states and residual levels."""

import copy
import io
import itertools
from typing import Any

import pytest
import torch
from tests.nn.twins import difference, leaves, noise, weighted_sum
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import carrousel
from carrousel.ops import noise as masks

F64 = torch.float64
CELLS = {"LSTM": {}, "GRU": {}, "RNN": {}, "LSTM, normalized": {"layer_norm": True}}
every_cell = pytest.mark.parametrize("cell", CELLS)


def made(cell: str, *sizes: int, **options: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        name = cell.split(",")[0]
        return getattr(carrousel, name)(*sizes, dtype=F64, **CELLS[cell], **options)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Masks in the order in which a call draws them, from a generator of the test's own."""
    found: list[Tensor] = []
    generator = torch.Generator().manual_seed(7)

    def kept(probability: float, shape: tuple[int, ...], like: Tensor) -> Tensor:
        found.append((torch.rand(shape, generator=generator) < probability).to(like.dtype))
        return found[-1]

    monkeypatch.setattr(masks, "kept", kept)
    return found


def one_step(layer: Any, x: Tensor, h: Tensor, c: Tensor, read: Any, w_hh: Tensor):
    """The cell by torch's own one-step functions; ``read``: factors on h in the products."""
    w = {name: getattr(layer, f"{name}_l0") for name in ("weight_ih", "bias_ih", "bias_hh")}
    a, b = x @ w["weight_ih"].T, (h * read) @ w_hh.T
    if layer.layer_norm:
        rows = a.shape[-1:]
        a = torch.nn.functional.layer_norm(a, rows, layer.gain_ih_l0)
        b = torch.nn.functional.layer_norm(b, rows, layer.gain_hh_l0)
    a, b = a + w["bias_ih"], b + w["bias_hh"]
    if layer.mode == "LSTM":
        i, f, g, o = (a + b).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        shown = c
        if layer.layer_norm:
            shown = torch.nn.functional.layer_norm(
                c, c.shape[-1:], layer.gain_c_l0, layer.bias_c_l0
            )
        return o.sigmoid() * shown.tanh(), c
    if layer.mode == "GRU":
        (a_r, a_z, a_n), (b_r, b_z, b_n) = a.chunk(3, -1), b.chunk(3, -1)
        n = (a_n + (a_r + b_r).sigmoid() * b_n).tanh()
        z = (a_z + b_z).sigmoid()
        return (1 - z) * n + z * h, c
    return (a + b).tanh(), c


def by_hand(layer: Any, x: Tensor, **given: Any) -> tuple[Tensor, Tensor, Tensor]:
    """One level in one direction over x (T, B, I) with masks: y, h_n, c_n."""
    h = given.get("h", x.new_zeros(x.size(1), layer.hidden_size))
    c = given.get("c", torch.zeros_like(h))
    zone_h, zone_c = given.get("zones", (torch.zeros(len(x), 1, 1), torch.zeros(len(x), 1, 1)))
    w_hh = given.get("w_hh", layer.weight_hh_l0)
    outputs = []
    for t, one in enumerate(x * given.get("inputs", 1.0)):
        new, new_c = one_step(layer, one, h, c, given.get("read", 1.0), w_hh)
        h = zone_h[t] * h + (1 - zone_h[t]) * new
        c = zone_c[t] * c + (1 - zone_c[t]) * new_c
        outputs.append(h)
    return torch.stack(outputs) * given.get("outputs", 1.0), h, c


def assert_same(layer: Any, x: Tensor, ours: Any, wanted: Any) -> None:
    """Values and first and second derivatives by x and all parameters."""
    by = [x, *layer.parameters()]
    found = []
    for outputs in (ours, wanted):
        first = torch.autograd.grad(weighted_sum(outputs), by, create_graph=True, allow_unused=True)
        first = [torch.zeros_like(w) if g is None else g for g, w in zip(first, by, strict=True)]
        square = sum((g * g).sum() for g in first)
        second = torch.autograd.grad(square, by, allow_unused=True)
        found.append([*outputs, *first, *second])
    for mine, reference in zip(*found, strict=True):
        if reference is not None:
            assert difference(mine, reference, 1e-3) < 1e-8


@every_cell
def test_one_mask_for_all_steps(cell: str, drawn: list[Tensor]) -> None:
    options = {"input_dropout": 0.3, "recurrent_dropout": 0.4, "output_dropout": 0.5}
    layer = made(cell, 3, 5, weight_dropout=0.2, **options)
    x = noise(6, 4, 3, dtype=F64).requires_grad_()
    ours = leaves(layer(x))
    connected, inputs, read, outputs = drawn
    assert inputs.shape == (4, 3)
    assert read.shape == outputs.shape == (4, 5)
    wanted = by_hand(
        layer, x, inputs=inputs / 0.7, read=read / 0.6, outputs=outputs / 0.5,
        w_hh=layer.weight_hh_l0 * connected / 0.8,
    )  # fmt: skip
    assert_same(layer, x, [ours[0]], [wanted[0]])


@every_cell
def test_zoneout_keeps_units_as_they_were(cell: str, drawn: list[Tensor]) -> None:
    layer = made(cell, 3, 5, zoneout=(0.4, 0.3) if "LSTM" in cell else 0.4)
    x = noise(6, 4, 3, dtype=F64).requires_grad_()
    ours = leaves(layer(x))
    zones = [one.view(6, 4, 5) for one in drawn] + [torch.zeros(6, 1, 1)]
    y, h, c = by_hand(layer, x, zones=zones[:2])
    wanted = [y, h[None], c[None]][: len(ours)]
    assert_same(layer, x, ours, wanted)


@every_cell
def test_zoneout_is_its_mean_when_nothing_is_trained(cell: str, drawn: list[Tensor]) -> None:
    layer = made(cell, 3, 5, zoneout=0.25).eval()
    x = noise(6, 4, 3, dtype=F64).requires_grad_()
    share = torch.full((6, 1, 1), 0.25)
    y, h, c = by_hand(layer, x, zones=(share, share))
    ours = leaves(layer(x))
    assert drawn == []
    assert_same(layer, x, ours, [y, h[None], c[None]][: len(ours)])


@every_cell
def test_dropout_is_nothing_when_nothing_is_trained(cell: str) -> None:
    options = dict.fromkeys(("input_dropout", "recurrent_dropout", "output_dropout"), 0.5)
    layer = made(cell, 3, 5, 2, bidirectional=True, weight_dropout=0.5, **options).eval()
    plain = made(cell, 3, 5, 2, bidirectional=True)
    x, before = noise(6, 4, 3, dtype=F64), torch.random.get_rng_state()
    for one, other in zip(leaves(layer(x)), leaves(plain(x)), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@every_cell
@pytest.mark.usefixtures("threads")
def test_the_seed_is_torchs_and_threads_change_nothing(cell: str) -> None:
    layer = made(cell, 3, 17, 2, input_dropout=0.2, weight_dropout=0.3, output_dropout=0.1)
    x, found = noise(6, 33, 3, dtype=F64), []
    for number, seed in ((1, 5), (2, 5), (3, 5), (1, 6)):
        torch.set_num_threads(number)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            y = layer(x)[0]
            layer.zero_grad()
            y.square().sum().backward()
            found.append([y, *(w.grad.clone() for w in layer.parameters())])
    for one, two, three, other in zip(*found, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)
        assert not torch.equal(one, other)


def test_masks_are_of_the_probability() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        mask = masks.kept(0.3, (1000, 100), torch.zeros(()))
        assert abs(mask.mean().item() - 0.3) < 0.006  # four standard errors
        assert set(mask.unique().tolist()) == {0.0, 1.0}


@every_cell
def test_packed_sequences_each_have_their_own_mask(cell: str, drawn: list[Tensor]) -> None:
    layer = made(cell, 3, 5, input_dropout=0.4, recurrent_dropout=0.4, output_dropout=0.4)
    lengths, x = [6, 4, 4, 1], noise(6, 4, 3, dtype=F64)
    y, _ = pad_packed_sequence(layer(pack_padded_sequence(x, lengths))[0])
    for k, n in enumerate(lengths):
        inputs, read, outputs = (mask[k : k + 1] / 0.6 for mask in drawn)
        wanted, _, _ = by_hand(layer, x[:n, k : k + 1], inputs=inputs, read=read, outputs=outputs)
        assert difference(y[:n, k : k + 1], wanted) < 1e-10


def test_zoneout_of_packed_sequences_in_both_directions(drawn: list[Tensor]) -> None:
    layer = made("LSTM", 3, 5, zoneout=0.3, bidirectional=True)
    lengths, x = [4, 2], noise(4, 2, 3, dtype=F64)
    y, _ = pad_packed_sequence(layer(pack_padded_sequence(x, lengths))[0])
    rows = {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 3, (2, 0): 4, (3, 0): 5}
    reverse = copy.deepcopy(layer)
    for name, weight in layer.named_parameters():
        if name.endswith("_reverse"):
            getattr(reverse, name.removesuffix("_reverse")).data.copy_(weight)
    for k, n in enumerate(lengths):
        at = [rows[t, k] for t in range(n)]
        zones = [drawn[d][at].view(n, 1, 5) for d in range(4)]
        forward, _, _ = by_hand(layer, x[:n, k : k + 1], zones=zones[:2])
        turned = [zone.flip(0) for zone in zones[2:]]
        back, _, _ = by_hand(reverse, x[:n, k : k + 1].flip(0), zones=turned)
        wanted = torch.cat([forward, back.flip(0)], -1)
        assert difference(y[:n, k : k + 1], wanted) < 1e-10


def test_the_books_of_a_memory_that_stays() -> None:
    layer = made("LSTM", 3, 5, zoneout=0.3)
    with carrousel.trace(layer) as trace:
        layer(noise(6, 4, 3, dtype=F64))
    books = carrousel.explain.ledger(trace[0])
    assert books.error < 1e-10
    assert set(trace[0].gates) == {"forget", "input", "candidate", "output"}
    with pytest.raises(ValueError, match="zoneout"):
        books.project(torch.ones(1, 5, dtype=F64))
    _, _, inside = layer(noise(6, 4, 3, dtype=F64), return_states=True)
    assert set(inside.gates) == set(trace[0].gates)


@every_cell
def test_learned_initial_states(cell: str) -> None:
    layer = made(cell, 3, 5, learn_initial_state=True)
    first = {"h": layer.h_0[0].expand(4, -1)}
    assert (layer.h_0 == 0).all()
    with torch.no_grad():
        for name in ("h_0", "c_0"):
            if hasattr(layer, name):
                getattr(layer, name).normal_()
    if "LSTM" in cell:
        first["c"] = layer.c_0[0].expand(4, -1)
    x = noise(6, 4, 3, dtype=F64).requires_grad_()
    ours = leaves(layer(x))
    y, h, c = by_hand(layer, x, **first)
    assert_same(layer, x, ours, [y, h[None], c[None]][: len(ours)])
    given = tuple(noise(1, 4, 5, seed=s, dtype=F64) for s in (5, 6))
    given = given if "LSTM" in cell else given[0]
    plain = made(cell, 3, 5)
    assert torch.equal(layer(x, given)[0], plain(x, given)[0])


@every_cell
@pytest.mark.parametrize("how", ["residual", "highway"])
def test_levels_that_pass_on_what_they_were_given(cell: str, how: str) -> None:
    layer = made(cell, 4, 2, 3, bidirectional=True, **{how: True})
    plain = made(cell, 4, 2, 3, bidirectional=True)
    plain.load_state_dict(layer.state_dict(), strict=False)
    x = noise(6, 5, 4, dtype=F64).requires_grad_()
    levels, given = [], x
    for level in range(3):
        one = made(cell, 4, 2, bidirectional=True)
        for name, weight in plain.named_parameters():
            if f"_l{level}" in name:
                getattr(one, name.replace(f"_l{level}", "_l0")).data.copy_(weight)
        y = one(given)[0]
        share = torch.ones(())
        if how == "highway" and level:
            w, b = (getattr(layer, f"{part}_highway_l{level}") for part in ("weight", "bias"))
            assert b.eq(-1).all()
            share = (given @ w.T + b).sigmoid()
        given = (share * y + (1 - share if how == "highway" else 1) * given) if level else y
        levels.append(one)
    ours = layer(x)[0]
    assert difference(ours, given) < 1e-10
    by = [x, *(w for name, w in layer.named_parameters() if "highway" in name)]
    grads = [torch.autograd.grad(weighted_sum([y]), by) for y in (ours, given)]
    for mine, reference in zip(*grads, strict=True):
        assert difference(mine, reference) < 1e-10


def test_saved_copied_compiled_and_refused() -> None:
    layer = made("LSTM", 3, 5, 2, learn_initial_state=True, zoneout=0.1, residual=True)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = made("LSTM", 3, 5, 2, learn_initial_state=True, zoneout=0.1, residual=True)
    other.load_state_dict(torch.load(file))
    x = noise(4, 2, 3, dtype=F64)
    assert torch.equal(copy.deepcopy(layer).eval()(x)[0], other.eval()(x)[0])
    words = repr(layer)
    assert "zoneout=(0.1, 0.1), learn_initial_state=True, residual=True" in words
    one = made("GRU", 3, 2, zoneout=0.1, learn_initial_state=True).eval()
    compiled = torch.compile(one, fullgraph=True, backend="eager")
    assert difference(compiled(x[:2])[0], one(x[:2])[0]) < 1e-10
    torch.compiler.reset()
    assert layer(x[:, :0])[0].shape == (4, 0, 5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("input_dropout", 1.0, "input_dropout must be a probability from 0 to below 1, got 1.0"),
        ("weight_dropout", "x", "weight_dropout must be a probability"),
        ("recurrent_dropout", True, "recurrent_dropout must be a probability"),
        ("zoneout", (0.1, 0.2, 0.3), "zoneout must be one probability or two"),
        ("zoneout", float("nan"), "zoneout must be a probability"),
        ("highway", 1, "highway must be True or False, got 1"),
        ("residual", 1, "residual must be True or False, got 1"),
        ("zonout", 0.1, "LSTM has no option 'zonout'; there are input_dropout"),
        ("layer_nrom", True, "did you mean 'layer_norm'?"),
        ("batch_frist", True, "did you mean 'batch_first'?"),
    ],
)
def test_what_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        carrousel.LSTM(3, 5, **{name: value})


def test_a_gru_has_one_zoneout() -> None:
    with pytest.raises(ValueError, match="zoneout must be one probability, got"):
        carrousel.GRU(3, 5, zoneout=(0.1, 0.2))


def test_every_option_beside_every_other() -> None:
    values = {"input_dropout": 0.2, "recurrent_dropout": 0.2, "output_dropout": 0.2}
    values |= {"weight_dropout": 0.2, "zoneout": 0.2, "learn_initial_state": True, "residual": True}
    for one, other in itertools.combinations(values, 2):
        for cell in CELLS:
            layer = made(cell, 4, 2, 2, bidirectional=True, batch_first=True,
                         **{one: values[one], other: values[other]})  # fmt: skip
            y, _ = layer(noise(3, 1, 4, dtype=F64))
            y.sum().backward()
            assert all(w.grad is not None for w in layer.parameters())
