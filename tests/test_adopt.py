"""adopt and release: the class changes, everything else stays; adopting: layers under way."""

import copy
import io
import pickle
import threading

import pytest
import torch
from torch import nn
from torch.nn import LSTM as ALREADY_IMPORTED

import carrousel

PAIRS = {name: (getattr(nn, name), getattr(carrousel, name)) for name in ("RNN", "LSTM", "GRU")}
CELLS = {
    name: (getattr(nn, name), getattr(carrousel, name))
    for name in ("RNNCell", "LSTMCell", "GRUCell")
}


class Doubling(nn.LSTM):
    """A layer that someone wrote: its own forward around torch's."""

    def __init__(self, *args, factor=2.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.factor = factor

    def forward(self, input, hx=None):
        output, state = super().forward(input, hx)
        return self.factor * output, state


class WithSlots(nn.GRU):
    __slots__ = ("extra",)


class Meta(type):
    pass


class WithMetaclass(nn.GRU, metaclass=Meta):
    pass


@pytest.fixture
def model() -> nn.Module:
    return nn.ModuleDict(
        {"a": nn.LSTM(3, 4, num_layers=2), "b": nn.GRU(3, 4), "c": nn.LSTMCell(3, 4)}
    )


class TestAdoptAndRelease:
    @pytest.mark.parametrize("name", PAIRS | CELLS)
    def test_round_trip_of_one_layer(self, name):
        theirs, ours = (PAIRS | CELLS)[name]
        layer = theirs(3, 4)
        before = dict(layer.named_parameters())
        carrousel.adopt(layer)
        assert isinstance(layer, ours)
        assert isinstance(layer, theirs)
        carrousel.release(layer)
        assert type(layer) is theirs
        assert all(p is before[n] for n, p in layer.named_parameters())

    @pytest.mark.parametrize("name", PAIRS)
    def test_outputs_are_the_same(self, name):
        layer = PAIRS[name][0](3, 4, num_layers=2, bidirectional=True)
        x = torch.randn(5, 2, 3)
        before = layer(x)[0]
        carrousel.adopt(layer)
        assert torch.allclose(layer(x)[0], before, atol=1e-6)
        carrousel.release(layer)
        assert torch.equal(layer(x)[0], before)

    def test_the_report_names_what_was_swapped(self, model):
        report = carrousel.adopt(model)
        assert report.module is model
        assert str(report).splitlines() == [
            "a: torch.nn.LSTM -> carrousel.LSTM",
            "b: torch.nn.GRU -> carrousel.GRU",
            "c: torch.nn.LSTMCell -> carrousel.LSTMCell",
        ]

    def test_twice_is_said_to_be_done_already(self, model):
        carrousel.adopt(model)
        report = carrousel.adopt(model)
        assert not report.swapped
        assert "already" in report.left[0].reason

    def test_the_module_itself_may_be_the_layer(self):
        assert "(the module itself): torch.nn.GRU" in str(carrousel.adopt(nn.GRU(2, 3)))

    def test_a_copy_leaves_the_model_as_it_is(self, model):
        report = carrousel.adopt(model, inplace=False)
        assert type(model["a"]) is nn.LSTM
        assert isinstance(report.module["a"], carrousel.LSTM)

    def test_no_recurrent_layer(self):
        assert str(carrousel.adopt(nn.Linear(2, 2))) == "no recurrent layer found"

    def test_what_is_no_module_is_refused(self):
        with pytest.raises(TypeError, match="got int"):
            carrousel.adopt(3)

    def test_an_optimizer_goes_on(self, model):
        optimizer = torch.optim.Adam(model.parameters())
        x = torch.randn(5, 2, 3)
        for swap in (carrousel.adopt, carrousel.release, carrousel.adopt):
            swap(model)
            before = model["a"].weight_hh_l0.detach().clone()
            optimizer.zero_grad()
            model["a"](x)[0].sum().backward()
            optimizer.step()
            assert not torch.equal(model["a"].weight_hh_l0, before)

    def test_hooks_and_names_stay(self, model):
        seen = []
        model["a"].register_forward_hook(lambda *_: seen.append(1))
        keys = list(model.state_dict())
        carrousel.adopt(model)
        model["a"](torch.randn(5, 2, 3))
        assert seen == [1]
        assert list(model.state_dict()) == keys


class TestWhatIsLeft:
    def test_a_scripted_layer(self):
        with pytest.warns(DeprecationWarning, match=r"torch\.jit"):
            scripted = torch.jit.script(nn.LSTM(2, 3))
        report = carrousel.adopt(nn.ModuleList([scripted]))
        assert not report.swapped
        assert "TorchScript" in report.left[0].reason

    def test_a_layer_of_another_make(self):
        class OwnLSTM(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight_hh = nn.Parameter(torch.zeros(4, 4))

        report = carrousel.adopt(nn.Sequential(OwnLSTM()))
        assert "not a torch.nn layer" in report.left[0].reason

    def test_what_was_written_as_ours_is_not_released(self):
        class Mine(carrousel.LSTM):
            pass

        report = carrousel.release(nn.Sequential(Mine(2, 3)))
        assert "subclass of carrousel" in report.left[0].reason


class TestSubclasses:
    def test_their_own_forward_goes_on_around_ours(self):
        layer = Doubling(3, 4)
        x = torch.randn(5, 2, 3)
        before = layer(x)[0]
        carrousel.adopt(layer)
        assert isinstance(layer, Doubling)
        assert isinstance(layer, carrousel.LSTM)
        assert torch.allclose(layer(x)[0], before, atol=1e-6)
        with carrousel.trace(layer) as trace:
            layer(x)
        assert torch.allclose(2 * trace[-1].hidden[0], before, atol=1e-6)
        carrousel.release(layer)
        assert type(layer) is Doubling

    def test_trace_puts_them_back(self):
        layer = Doubling(3, 4)
        with carrousel.trace(layer) as trace:
            layer(torch.randn(5, 2, 3))
        assert type(layer) is Doubling
        assert len(trace) == 1

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, protocol):
        layer = Doubling(3, 4, factor=3.0)
        carrousel.adopt(layer)
        again = pickle.loads(pickle.dumps(layer, protocol))
        assert type(again) is type(layer)
        assert again.factor == 3.0
        x = torch.randn(5, 2, 3)
        assert torch.equal(again(x)[0], layer(x)[0])

    def test_deepcopy_and_torch_save(self):
        layer = Doubling(3, 4)
        carrousel.adopt(layer)
        assert type(copy.deepcopy(layer)) is type(layer)
        buffer = io.BytesIO()
        torch.save(layer, buffer)
        buffer.seek(0)
        assert type(torch.load(buffer, weights_only=False)) is type(layer)

    @pytest.mark.parametrize("cls", [nn.LSTM, nn.GRU, nn.RNN, Doubling])
    def test_another_one_from_the_class_of_an_adopted_one(self, cls):
        layer = cls(3, 4)
        carrousel.adopt(layer)
        another = type(layer)(5, 6, bidirectional=True)
        assert another(torch.randn(7, 2, 5))[0].shape == (7, 2, 12)

    def test_ours_becomes_torchs(self):
        layer = carrousel.LSTM(3, 4)
        x = torch.randn(5, 2, 3)
        expected = layer(x)[0]
        carrousel.release(layer)
        assert type(layer) is nn.LSTM
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)

    def test_parametrized_weights(self):
        layer = nn.LSTM(3, 4)
        x = torch.randn(5, 2, 3)
        expected = layer(x)[0]
        with pytest.warns(FutureWarning, match="weight_norm"):
            nn.utils.weight_norm(layer, "weight_hh_l0")
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)
        carrousel.adopt(layer)
        assert torch.allclose(layer(x)[0], expected, atol=1e-6)

    @pytest.mark.parametrize("cls", [WithSlots, WithMetaclass])
    def test_unusual_classes(self, cls):
        layer = cls(2, 3)
        assert carrousel.adopt(layer).swapped
        assert layer(torch.randn(4, 2))[0].shape == (4, 3)
        carrousel.release(layer)
        assert type(layer) is cls

    def test_compiled(self):
        layer = Doubling(3, 4)
        x = torch.randn(5, 2, 3)
        expected = layer(x)[0]
        carrousel.adopt(layer)
        assert torch.allclose(torch.compile(layer, backend="eager")(x)[0], expected, atol=1e-6)


class TestAdopting:
    def test_layers_constructed_in_the_block(self):
        with carrousel.adopting() as made:
            layers = [nn.LSTM(2, 3), nn.GRU(2, 3), nn.RNN(2, 3), nn.LSTMCell(2, 3), Doubling(2, 3)]
        ours = [carrousel.LSTM, carrousel.GRU, carrousel.RNN, carrousel.LSTMCell, carrousel.LSTM]
        assert all(isinstance(layer, cls) for layer, cls in zip(layers, ours, strict=True))
        assert [swap.before for swap in made] == [nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, Doubling]
        assert type(nn.LSTM(2, 3)) is nn.LSTM

    def test_names_that_were_imported_earlier(self):
        with carrousel.adopting():
            assert isinstance(ALREADY_IMPORTED(2, 3), carrousel.LSTM)

    def test_constructors_are_put_back_exactly(self):
        before = [cls.__init__ for cls, _ in (PAIRS | CELLS).values()]
        with pytest.raises(RuntimeError, match="spoilt"), carrousel.adopting():
            raise RuntimeError("spoilt")
        assert [cls.__init__ for cls, _ in (PAIRS | CELLS).values()] == before

    def test_blocks_may_be_nested(self):
        with carrousel.adopting() as outer:
            with carrousel.adopting() as inner:
                nn.LSTM(2, 3)
            assert isinstance(nn.GRU(2, 3), carrousel.GRU)
        assert (len(outer), len(inner)) == (1, 1)

    def test_other_threads_are_not_touched(self):
        found = []
        with carrousel.adopting():
            thread = threading.Thread(target=lambda: found.append(type(nn.LSTM(2, 3))))
            thread.start()
            thread.join()
        assert found == [nn.LSTM]

    def test_blocks_in_two_threads_end_in_any_order(self):
        first_in, second_in = threading.Event(), threading.Event()
        before = nn.LSTM.__init__

        def first():
            with carrousel.adopting():
                first_in.set()
                second_in.wait(5)

        thread = threading.Thread(target=first)
        thread.start()
        first_in.wait(5)
        with carrousel.adopting():
            second_in.set()
            thread.join()
            assert isinstance(nn.LSTM(2, 3), carrousel.LSTM)
        assert nn.LSTM.__init__ is before

    def test_a_model_that_trains(self):
        with carrousel.adopting():
            model = nn.Sequential(nn.LSTM(2, 3, batch_first=True))
        model(torch.randn(4, 5, 2))[0].sum().backward()
        assert model[0].weight_ih_l0.grad is not None

    def test_wrong_arguments_raise_as_before(self):
        with carrousel.adopting(), pytest.raises(TypeError):
            nn.LSTM(2, 3, nonsense=True)
