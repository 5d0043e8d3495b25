"""TorchScript, torch.fx, quantization, parametrizations: as with torch's own layers."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

import carrousel

NAMES = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")


class Around(nn.Module):
    """A layer or cell with a head; x (T, B, 3)."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


class Doubling(nn.LSTM):
    def forward(self, input, hx=None):
        output, state = super().forward(input, hx)
        return 2 * output, state


def both(name: str) -> list[nn.Module]:
    """Ours, and torch's adopted."""
    torch.manual_seed(0)
    return [getattr(carrousel, name)(3, 4), carrousel.adopt(getattr(nn, name)(3, 4)).module]


def first(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestTorchScript:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_layer_alone(self, name):
        for layer in both(name):
            x = torch.randn(2, 3) if name.endswith("Cell") else torch.randn(5, 2, 3)
            expected = first(layer(x))
            scripted = torch.jit.script(layer)
            # torch compiles a layer's two overloads, which have no common name.
            run = scripted if name.endswith("Cell") else scripted.forward__0
            assert torch.allclose(first(run(x)), expected, atol=1e-6)
            assert isinstance(layer, getattr(carrousel, name))
            assert torch.equal(first(layer(x)), expected)

    @pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
    def test_inside_a_model_with_the_same_parameters(self, name):
        for layer in both(name):
            model, x = nn.Sequential(Around(layer)), torch.randn(5, 2, 3)
            expected, before = model(x), dict(model.named_parameters())
            scripted = torch.jit.script(model)
            buffer = io.BytesIO()
            torch.jit.save(scripted, buffer)
            buffer.seek(0)
            assert torch.allclose(torch.jit.load(buffer)(x), expected, atol=1e-6)
            assert torch.allclose(model(x), expected, atol=1e-6)
            assert all(p is before[n] for n, p in model.named_parameters())
            carrousel.adopt(model)
            assert torch.allclose(model(x), expected, atol=1e-6)

    def test_what_it_cannot_compile_is_said(self):
        class Mine(carrousel.GRU):
            pass

        parametrized = carrousel.GRU(3, 4)
        parametrizations.weight_norm(parametrized, "weight_hh_l0")
        for layer in (Mine(3, 4), parametrized):
            with pytest.raises(TypeError, match=r"TorchScript cannot compile"):
                torch.jit.script(nn.Sequential(Around(layer)))

    @pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
    def test_traced_by_example(self):
        model, x = Around(carrousel.LSTM(3, 4)), torch.randn(5, 2, 3)
        assert torch.allclose(torch.jit.trace(model, x)(x), model(x), atol=1e-6)


class TestFx:
    @pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
    def test_a_layer_is_a_leaf(self, name):
        for layer in both(name):
            model, x = nn.Sequential(Around(layer)), torch.randn(5, 2, 3)
            graph = torch.fx.symbolic_trace(model)
            targets = [str(n.target) for n in graph.graph.nodes if n.op == "call_module"]
            assert targets == ["0.rnn", "0.head"]
            assert torch.equal(graph(x), model(x))

    @pytest.mark.parametrize("name", ["GRUCell", "LSTMCell"])
    def test_a_loop_over_a_cell(self, name):
        class Loop(nn.Module):
            def __init__(self):
                super().__init__()
                self.cell = getattr(carrousel, name)(3, 4)

            def forward(self, x, h, c):
                for t in range(3):
                    out = self.cell(x[t], (h, c) if name == "LSTMCell" else h)
                    h, c = (out[0], out[1]) if name == "LSTMCell" else (out, c)
                return h

        model, x, h = Loop(), torch.randn(3, 2, 3), torch.zeros(2, 4)
        graph = torch.fx.symbolic_trace(model)
        assert torch.equal(graph(x, h, h), model(x, h, h))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
class TestQuantization:
    @pytest.mark.parametrize("name", ["LSTM", "GRU", "LSTMCell", "GRUCell", "RNNCell"])
    @pytest.mark.parametrize("spec", ["the class", None])
    def test_a_layer_of_ours_says_what_to_do(self, name, spec):
        quantize, theirs = torch.ao.quantization.quantize_dynamic, getattr(nn, name)
        for layer in both(name):
            model = nn.Sequential(layer)
            chosen = {theirs} if spec else None
            with pytest.raises(TypeError, match=r"carrousel\.release\(model\)"):
                quantize(model, chosen, torch.qint8)
            assert model[0] is layer
            carrousel.release(model)
            found = quantize(model, chosen, torch.qint8)
            assert "quantized" in type(found[0]).__module__


class TestParametrized:
    """The four orders of adopting, parametrizing, taking it off and releasing."""

    def _same(self, layer, expected):
        torch.manual_seed(1)
        x = torch.randn(5, 2, 3)
        expected_output = expected(x)[0]
        assert torch.allclose(layer(x)[0], expected_output, atol=1e-6)
        with carrousel.trace(layer) as trace:
            layer(x)
        assert torch.allclose(trace[-1].hidden[0], expected_output, atol=1e-6)

    @pytest.mark.parametrize("make", [nn.LSTM, nn.GRU, nn.RNN])
    @pytest.mark.parametrize("norm", [parametrizations.weight_norm, parametrizations.spectral_norm])
    def test_adopted_and_released_in_any_order(self, make, norm):
        names = ("weight_hh_l0", "weight_ih_l0")

        def fresh():
            torch.manual_seed(0)
            layer = make(3, 4)
            for name in names:
                norm(layer, name)
            return layer.eval()

        plain = fresh()
        for swap in ("", "a", "ar", "ara"):
            layer = fresh()
            for step in swap:
                carrousel.adopt(layer) if step == "a" else carrousel.release(layer)
            assert isinstance(layer, make)
            assert isinstance(layer, getattr(carrousel, make.__name__)) == swap.endswith("a")
            self._same(layer, plain)
            for name in names:
                parametrize.remove_parametrizations(layer, name)
            self._same(layer, plain)
            assert type(layer) is type(carrousel.adopt(make(3, 4)).module if swap[-1:] == "a"
                                       else make(3, 4))  # fmt: skip
            carrousel.release(layer)
            assert type(layer) is make

    def test_adopt_parametrize_release(self):
        layer, x = nn.GRU(3, 4), torch.randn(5, 2, 3)
        expected = layer(x)[0]
        carrousel.adopt(layer)
        parametrizations.weight_norm(layer, "weight_hh_l0")
        report = carrousel.release(layer)
        assert len(report.swapped) == 1
        assert not isinstance(layer, carrousel.GRU)
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)
        parametrize.remove_parametrizations(layer, "weight_hh_l0")
        assert type(layer) is nn.GRU
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)

    def test_a_subclass_and_a_cell(self):
        for cls, name, x in (
            (Doubling, "weight_hh_l0", torch.randn(5, 2, 3)),
            (nn.LSTMCell, "weight_hh", torch.randn(2, 3)),
        ):
            layer = cls(3, 4)
            expected = layer(x)[0]
            parametrizations.weight_norm(layer, name)
            carrousel.adopt(layer)
            assert torch.allclose(layer(x)[0], expected, atol=1e-6)
            parametrize.remove_parametrizations(layer, name)
            assert torch.allclose(layer(x)[0], expected, atol=1e-6)
            carrousel.release(layer)
            assert type(layer) is cls

    @pytest.mark.filterwarnings("ignore::FutureWarning")
    @pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
    def test_the_old_ways(self, norm):
        layer = nn.LSTM(3, 4).eval()
        getattr(nn.utils, norm)(layer, "weight_hh_l0")
        layer.eval()
        x = torch.randn(5, 2, 3)
        expected = layer(x)[0]
        carrousel.adopt(layer)
        self._same(layer, layer)
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)
        getattr(nn.utils, f"remove_{norm}")(layer, "weight_hh_l0")
        carrousel.release(layer)
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)

    def test_no_class_is_kept_alive(self):
        import gc
        import weakref

        layer = nn.LSTM(3, 4)
        parametrizations.weight_norm(layer, "weight_hh_l0")
        made = weakref.ref(type(layer))
        with carrousel.trace(layer):
            layer(torch.randn(5, 2, 3))
        carrousel.adopt(layer)
        del layer
        gc.collect()
        gc.collect()  # the class that was mixed of it goes first
        assert made() is None


@pytest.mark.parametrize("name", NAMES)
def test_saved_copied_and_hooked(name):
    seen = []

    def before(module, args):
        seen.append("before")

    def after(module, args, output):
        seen.append("after")

    for layer in both(name):
        x = torch.randn(2, 3) if name.endswith("Cell") else torch.randn(5, 2, 3)
        expected = first(layer(x))
        buffer = io.BytesIO()
        torch.save(layer, buffer)
        buffer.seek(0)
        pickled = pickle.loads(pickle.dumps(layer))
        for twin in (copy.deepcopy(layer), pickled, torch.load(buffer, weights_only=False)):
            assert type(twin) is type(layer)
            twin.register_forward_pre_hook(before)
            twin.register_forward_hook(after)
            twin.register_state_dict_post_hook(lambda m, state, *_: state.update(more=1))
            assert torch.equal(first(twin(x)), expected)
            assert "more" in twin.state_dict()
    assert seen == ["before", "after"] * 6
