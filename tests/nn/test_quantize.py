"""Layers with weights of 8 bits, beside the same arithmetic in float64, and the float layers."""

import copy
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.nn.twins import leaves, noise
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import carrousel
from carrousel.ops import reference
from carrousel.ops.quantized import rounded

cpu = pytest.importorskip("carrousel.ops.cpu")
KINDS = {
    "LSTM": (carrousel.LSTM, {}),
    "GRU": (carrousel.GRU, {}),
    "RNN": (carrousel.RNN, {}),
    "RNN, relu": (carrousel.RNN, {"nonlinearity": "relu"}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
SIZES = [
    (1, 1, 1, 1),
    (1, 3, 5, 17),
    (1, 9, 64, 33),
    (1, 2, 7, 100),
    (1, 40, 3, 5),
    (1, 1, 130, 257),
]
PYTHON = [sys.executable, "-c"]


def made(kind: str, *sizes: int, **options: object) -> nn.Module:
    cls, own = KINDS[kind]
    torch.manual_seed(0)
    return cls(*sizes, **own, **options).eval()


def whole_numbers(kind: str, sizes: tuple[int, ...]) -> tuple[nn.Module, Tensor, Tensor]:
    """A layer, x and h that 8 bits hold exactly: every row reaches 127 units of its scale."""
    _, batch, inputs, hidden = sizes
    layer, draw = made(kind, inputs, hidden), torch.Generator().manual_seed(1)

    def fill(rows: int, columns: int) -> Tensor:
        found = torch.randint(-127, 128, (rows, columns), generator=draw).float()
        found[:, 0] = 127
        return found / 1024

    with torch.no_grad():
        for weight in layer.parameters():
            if weight.dim() == 2:
                weight.copy_(fill(*weight.shape))
    return layer, fill(batch, inputs).unsqueeze(0), fill(batch, hidden).unsqueeze(0)


def check_whole_numbers() -> None:
    """Sums of integers are exact: one step is that of the float64 layer."""
    for kind in KINDS:
        for sizes in SIZES:
            layer, x, h = whole_numbers(kind, sizes)
            hx = (h, h) if kind == "LSTM" else h
            small = carrousel.quantize(layer)
            double = [t.double() for t in (hx if kind == "LSTM" else (h,))]
            wanted = layer.double()(x.double(), tuple(double) if kind == "LSTM" else double[0])
            for one, other in zip(leaves(small(x, hx)), leaves(wanted), strict=True):
                torch.testing.assert_close(one.double(), other, rtol=2e-6, atol=1e-6)


def check_threads() -> None:
    """One, two and three threads, bit for bit, packed or not."""
    for kind in KINDS:
        for steps, batch, inputs, hidden in [(9, 1, 3, 300), (5, 2, 40, 130), (6, 33, 4, 50)]:
            small = carrousel.quantize(made(kind, inputs, hidden, 2, bidirectional=True))
            x = noise(steps, batch, inputs)
            lengths = torch.tensor([1 + (steps - 1) * (i % 3) // 2 for i in range(batch)])
            lengths[0] = steps
            for given in (x, pack_padded_sequence(x, lengths, enforce_sorted=False)):
                results = []
                for threads in (1, 2, 3):
                    torch.set_num_threads(threads)
                    results.append(leaves(small(given)))
                for other in results[1:]:
                    assert all(map(torch.equal, results[0], other)), (kind, hidden)


# Where there are products of bfloat16, those of integers are of avx512_vnni.
OTHERS = [isa for isa in cpu.available_isas() if isa not in (cpu.isa(), "avx512_vnni")]


@pytest.mark.parametrize("isa", OTHERS)
def test_every_instruction_set(isa: str) -> None:
    code = "from tests.nn.test_quantize import *; check_whole_numbers(); check_threads()"
    done = subprocess.run(
        [*PYTHON, code], cwd=Path(__file__).parents[2], capture_output=True, text=True,
        env=os.environ | {"CARROUSEL_ISA": isa},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("threads")
def test_the_instruction_set_of_this_process() -> None:
    check_whole_numbers()
    check_threads()


def by_equations(layer: nn.Module, x: Tensor, h: Tensor, c: Tensor | None) -> Tensor:
    """One step in float64 with rounded weights and rounded rows."""

    def as_rounded(values: Tensor) -> Tensor:
        q, scale = rounded(values)
        return q.double() * scale.double().unsqueeze(1)

    w_ih, w_hh, *biases = (w.detach() for w in layer.parameters())
    weights = [as_rounded(w_ih), as_rounded(w_hh), *(b.double() for b in biases)]
    mode, rounded_h = layer.mode, as_rounded(h)
    if mode == "GRU":  # which also keeps h itself, not rounded
        _, _, gates = reference.step(mode, as_rounded(x), rounded_h, None, weights)
        z, n = gates["update"], gates["candidate"]
        return n + z * (h.double() - n)
    c = None if c is None else c.double()
    return reference.step(mode, as_rounded(x), rounded_h, c, weights)[0]


@every_kind
@pytest.mark.parametrize("bias", [True, False], ids=["biases", "no biases"])
def test_one_step_is_that_of_rounded_weights_and_rows(kind: str, bias: bool) -> None:
    layer = made(kind, 9, 37, bias=bias)
    x, h, c = noise(1, 5, 9), noise(1, 5, 37, seed=1), noise(1, 5, 37, seed=2)
    y, _ = carrousel.quantize(layer)(x, (h, c) if kind == "LSTM" else h)
    wanted = by_equations(layer, x[0], h[0], c[0] if kind == "LSTM" else None)
    torch.testing.assert_close(y[0].double(), wanted, rtol=1e-5, atol=1e-5)


@every_kind
def test_200_steps_stay_near_the_float64_layer(kind: str) -> None:
    layer = made(kind, 16, 64, 2, bidirectional=True)
    x = noise(200, 4, 16)
    off = (carrousel.quantize(layer)(x)[0].double() - layer.double()(x.double())[0]).abs()
    assert off.max() < 0.06
    assert off.mean() < 0.006


@every_kind
def test_calling_conventions_agree(kind: str) -> None:
    """Unbatched, batch first, packed, in steps: the same rows give the same results."""
    small = carrousel.quantize(made(kind, 3, 20, 2))
    x = noise(6, 2, 3)
    y, state = small(x)
    first = copy.deepcopy(small)
    first.batch_first = True
    assert torch.equal(first(x.transpose(0, 1))[0].transpose(0, 1), y)
    assert torch.equal(small(x[:, 0])[0], y[:, 0])
    padded, lengths = pad_packed_sequence(
        small(pack_padded_sequence(x, torch.tensor([4, 6]), enforce_sorted=False))[0]
    )
    assert lengths.tolist() == [4, 6]
    assert torch.equal(padded[:, 1], y[:, 1])
    assert torch.equal(padded[:4, 0], y[:4, 0])
    hx, steps = None, []
    for t in range(6):
        out, hx = small(x[t : t + 1], hx)
        steps.append(out)
    assert torch.equal(torch.cat(steps), y)
    assert all(map(torch.equal, leaves(hx), leaves(state)))


@every_kind
def test_a_cell_is_one_step_of_its_layer(kind: str) -> None:
    layer = made(kind, 3, 20)
    cls = getattr(carrousel, f"{kind.split(',')[0]}Cell")
    options = {"nonlinearity": "relu"} if "relu" in kind else {}
    one = cls(3, 20, **options)
    one.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = noise(1, 4, 3)
    y, state = carrousel.quantize(layer)(x)
    found = carrousel.quantize(one)(x[0])
    assert torch.equal(leaves(found)[0], y[0])
    assert all(torch.equal(a, b[0]) for a, b in zip(leaves(found), leaves(state), strict=True))


class Tagger(nn.Module):
    """A model around a layer, as people write them."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.layer = nn.LSTM(16, 64, batch_first=True, bidirectional=True)
        self.head = nn.Linear(128, 5)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.layer(self.embedding(words))[0])


def test_a_model_is_copied_saved_and_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, words = Tagger(), torch.arange(21).view(3, 7)
    small = carrousel.quantize(model)
    assert type(model.layer) is nn.LSTM
    assert small.head is not model.head
    assert not small.training
    with torch.no_grad():
        assert (small(words) - model(words)).abs().max() < 0.02
        torch.save(small.state_dict(), tmp_path / "small.pt")
        other = carrousel.quantize(Tagger())
        before = other(words)
        other.load_state_dict(torch.load(tmp_path / "small.pt", weights_only=True))
        assert not torch.equal(before, small(words))
        for twin in (other, pickle.loads(pickle.dumps(small)), copy.deepcopy(small)):
            assert torch.equal(twin(words), small(words))


def test_a_quarter_of_the_memory() -> None:
    def size(module: nn.Module) -> int:
        saved = io.BytesIO()
        torch.save(module.state_dict(), saved)
        return saved.tell()

    layer = carrousel.LSTM(256, 512)
    assert size(carrousel.quantize(layer)) < 0.27 * size(layer)


def test_layers_that_are_one_stay_one() -> None:
    layer = carrousel.GRU(3, 3)
    small = carrousel.quantize(nn.ModuleList([layer, layer]))
    assert small[0] is small[1]
    assert type(small[0]) is type(carrousel.quantize(nn.GRU(3, 3)))
    assert carrousel.quantize(nn.ModuleList([small[0], layer]))[0] is not small[0]


def test_options_of_inference_are_heeded() -> None:
    layer = carrousel.LSTM(20, 20, 2, residual=True, learn_initial_state=True, input_dropout=0.5)
    with torch.no_grad():
        layer.h_0.fill_(0.3)
        layer.c_0.fill_(-0.7)
        x = noise(5, 3, 20)
        off = carrousel.quantize(layer)(x)[0] - layer.eval()(x)[0]
    assert off.abs().max() < 0.05


def test_a_value_that_is_none_does_not_vanish() -> None:
    small = carrousel.quantize(made("LSTM", 5, 20))
    for bad in (torch.nan, torch.inf):
        x = noise(3, 2, 5)
        x[1, 0, 2] = bad
        y, _ = small(x)
        assert y[1:, 0].isnan().all()
        assert torch.equal(y[:, 1], small(noise(3, 2, 5))[0][:, 1])


class Written(nn.LSTM):
    """Somebody's own layer."""


def parts(model: object) -> None:
    carrousel.quantize(model)  # type: ignore[arg-type]


REFUSED = {
    "no module": (lambda: parts(3), TypeError, "model must be a torch.nn.Module, got int"),
    "no layer": (lambda: parts(nn.Linear(2, 2)), ValueError, "recurrent layer, got Linear"),
    "normalized": (
        lambda: parts(nn.Sequential(carrousel.GRU(2, 3, layer_norm=True))),
        ValueError, "0 has layer_norm=True",
    ),
    "zoneout": (lambda: parts(carrousel.GRU(2, 3, zoneout=0.1)), ValueError, "zoneout"),
    "projection": (lambda: parts(nn.LSTM(2, 3, proj_size=2)), ValueError, "proj_size=2"),
    "written": (lambda: parts(Written(2, 3)), ValueError, "Written"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_quantized_is_named(case: str) -> None:
    call, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        call()


def test_calls_that_are_refused() -> None:
    small = carrousel.quantize(carrousel.LSTM(3, 4))
    x = noise(5, 2, 3)
    for call, error, words in [
        (lambda: small(x.clone().requires_grad_()), RuntimeError, "no_grad"),
        (lambda: small(x.double()), TypeError, "input must be float32"),
        (lambda: small(noise(5, 2, 4)), ValueError, r"input must be \(T, B, 3\)"),
        (lambda: small(noise(5, 0, 3)), ValueError, "empty"),
        (lambda: small(x, noise(1, 2, 4)), TypeError, "hx must be h_0 and c_0"),
        (lambda: small(x, (noise(1, 3, 4), noise(1, 2, 4))), ValueError, "h_0 must be"),
        (lambda: small.train()(x), RuntimeError, "does not train"),
        (lambda: copy.deepcopy(small).half().eval()(x), TypeError, "float32"),
    ]:
        with pytest.raises(error, match=words):
            call()
    with pytest.raises(RuntimeError, match="quantize it"):
        small.load_state_dict(carrousel.LSTM(3, 4).state_dict(), strict=False)


def test_under_autocast() -> None:
    small = carrousel.quantize(carrousel.GRU(3, 4))
    x = noise(5, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert small(x.bfloat16())[0].dtype is torch.float32


@every_kind
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_step_of_streaming_is_that_of_the_long_way(kind, layers, batch, monkeypatch) -> None:
    """Whatever the order of axes, and however often; with weights that change in between."""
    for batch_first in (False, True):
        small = carrousel.quantize(made(kind, 5, 37, layers, batch_first=batch_first))
        x = noise(batch, 1, 5) if batch_first else noise(1, batch, 5)
        h, c = noise(layers, batch, 37, seed=2), noise(layers, batch, 37, seed=3)
        hx = (h, c) if kind == "LSTM" else h
        for _ in range(2):
            assert small._step(x, hx) is not None
            short = small(x, hx)
            with monkeypatch.context() as patch:
                patch.setattr(type(small), "_step", lambda *_: None)
                long = small(x, hx)
            assert type(short[1]) is type(long[1])
            for one, other in zip(leaves(short), leaves(long), strict=True):
                assert one.shape == other.shape
                assert torch.equal(one, other)
            getattr(small, f"weight_hh_l{layers - 1}").neg_()


@every_kind
def test_what_is_no_step_goes_the_long_way(kind: str) -> None:
    """And is refused there as ever, or computed."""
    small = carrousel.quantize(made(kind, 5, 8))
    h = torch.zeros(1, 2, 8)
    hx = (h, h) if kind == "LSTM" else h
    assert small._step(torch.zeros(2, 2, 5), hx) is None
    assert small(torch.zeros(2, 2, 5), hx)[0].shape == (2, 2, 8)
    assert small._step(torch.zeros(1, 5), hx) is None
    assert small._step(torch.zeros(1, 4, 5).expand(1, 4, 5)[:, ::2], hx) is None
    for wrong, what in [
        (torch.zeros(1, 2, 4), "input must be"),
        (torch.zeros(1, 2, 6), "input must be"),  # which takes as many words as 5
        (torch.zeros(1, 2, 5).double(), "float32"),
        (torch.zeros(1, 3, 5), "h_0 must be"),
        (torch.zeros(1, 2, 5, requires_grad=True), "no gradient"),
    ]:
        assert small._step(wrong, hx) is None
        with pytest.raises((RuntimeError, TypeError, ValueError), match=what):
            small(wrong, hx)
    narrow = torch.zeros(1, 2, 7)
    with pytest.raises(ValueError, match="h_0 must be"):
        small(torch.zeros(1, 2, 5), (narrow, narrow) if kind == "LSTM" else narrow)
    with pytest.raises((TypeError, ValueError)):
        small(torch.zeros(1, 2, 5), h if kind == "LSTM" else (h, h))
    small.train()
    with pytest.raises(RuntimeError, match="does not train"):
        small(torch.zeros(1, 2, 5), hx)
