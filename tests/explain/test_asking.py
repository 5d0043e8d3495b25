"""What is asked of a model: which axis is time, which output, with gradients off, what adds up."""

import copy

import pytest
import torch
from torch import nn

import carrousel
from carrousel.explain import attribute, fidelity, gradient_flow, half_life, ledger, survival
from carrousel.explain.private import private

METHODS = ("occlusion", "gradient_x_input", "integrated_gradients", "ledger")


class Turned(nn.Module):
    """Takes (B, T, 3), and turns it around before a layer that is time-first inside."""

    def __init__(self, outside_first: bool, inside_first: bool, cell: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell = nn.LSTMCell(3, 6).double() if cell else None
        self.rnn = None if cell else nn.LSTM(3, 6, batch_first=inside_first).double()
        self.head = nn.Linear(6, 1).double()
        self.outside_first = outside_first

    def forward(self, x):
        x = x.transpose(0, 1) if self.outside_first else x  # (T, B, 3)
        if self.cell is not None:
            state = None
            for x_t in x:
                state = self.cell(x_t, state)
            return self.head(state[0])[:, 0]
        if self.rnn.batch_first:
            return self.head(self.rnn(x.transpose(0, 1))[0][:, -1])[:, 0]
        return self.head(self.rnn(x)[0][-1])[:, 0]


class TestTheAxisOfTime:
    @pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 1), (1, 4), (4, 1)], ids=str)
    @pytest.mark.parametrize("outside_first", [True, False], ids=["batch first", "time first"])
    @pytest.mark.parametrize("inside", ["batch first", "time first", "cell"])
    def test_is_that_along_which_the_layer_runs(self, shape, outside_first, inside):
        batch, steps = shape
        model = Turned(outside_first, inside == "batch first", inside == "cell")
        x = torch.randn(*(shape if outside_first else shape[::-1]), 3).double()
        found = attribute(model, x, method="gradient_x_input")
        told = attribute(model, x, method="gradient_x_input", time_dim=int(outside_first))
        assert found.scores.shape == (batch, steps)
        assert torch.equal(found.scores, told.scores)

    def test_of_channels_that_are_sequences_of_their_own(self):
        class Channels(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.GRU(1, 4, batch_first=True)

            def forward(self, x):  # (B, T, C): each channel alone
                rows = x.transpose(1, 2).flatten(0, 1)[..., None]
                return self.rnn(rows)[0][:, -1].unflatten(0, (len(x), -1)).sum((1, 2))

        for batch, steps in ((4, 4), (2, 6)):
            assert attribute(Channels(), torch.randn(batch, steps, 3)).scores.shape == (
                batch,
                steps,
            )

    @pytest.mark.parametrize("kind", ["SLSTM", "MinGRU", "MinLSTM"])
    def test_of_cells_that_torch_lacks(self, kind):
        x = torch.randn(3, 3, 2)
        for batch_first in (True, False):
            layer = getattr(carrousel, kind)(2, 4, batch_first=batch_first)

            def last(out, first=batch_first):
                return (out[0][:, -1] if first else out[0][-1]).sum(-1)

            found = attribute(layer, x, last, method="gradient_x_input")
            told = attribute(layer, x, last, method="gradient_x_input", time_dim=int(batch_first))
            assert torch.equal(found.scores, told.scores)

    def test_is_asked_for_where_it_cannot_be_told(self):
        class Stream(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.GRU(3, 4)

            def forward(self, x):  # one call of the layer for each step
                state = None
                for x_t in x:
                    output, state = self.rnn(x_t[None], state)
                return output[0].sum(-1)

        x = torch.randn(4, 4, 3)
        with pytest.raises(ValueError, match=r"time_dim=0 or time_dim=1"):
            attribute(Stream(), x)
        assert attribute(Stream(), x, time_dim=0).scores.shape == (4, 4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_gradients_that_are_turned_off_change_nothing(method, off):
    model, x = Turned(True, True), torch.randn(2, 6, 3).double()
    expected = attribute(model, x, method=method)
    with off():
        found = attribute(model, x.clone(), method=method)
        flow = gradient_flow(model, x.clone(), of=lambda output: output)
        assert not torch.is_grad_enabled()
    assert torch.allclose(found.scores, expected.scores, atol=1e-12)
    assert flow.hidden.shape == (1, 6, 2)


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, batch_first=True)

    @torch.no_grad()
    def forward(self, x):
        return self.rnn(x)[0][:, -1].sum(-1)


@pytest.mark.parametrize("method", ["gradient_x_input", "ledger"])
def test_an_output_without_a_gradient_says_so(method):
    with pytest.raises(ValueError, match="output has no gradient"):
        attribute(Detached(), torch.randn(2, 5, 3), method=method)


class TestTargets:
    @pytest.fixture
    def model(self):
        class Outputs(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.LSTM(3, 4, batch_first=True)
                self.count = 2

            def forward(self, x):
                state = self.rnn(x)[0][:, -1, : self.count]
                return state[:, 0] if self.count == 0 else state

        return Outputs()

    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    @pytest.mark.parametrize("target", [3, -4, 1])
    def test_beyond_the_outputs_is_refused(self, model, count, target):
        model.count, x = max(count, 1), torch.randn(2, 5, 3)
        if -model.count <= target < model.count:
            assert attribute(model, x, target).scores.shape == (2, 5)
            return
        with pytest.raises(
            ValueError, match=rf"target must be one of .* {model.count} outputs, got {target}"
        ):
            attribute(model, x, target)

    def test_of_a_model_with_one_output_for_each_sequence(self):
        model, x = Turned(True, True), torch.randn(2, 5, 3).double()
        assert torch.equal(attribute(model, x, 0).scores, attribute(model, x).scores)
        for ask in (lambda: attribute(model, x, 1), lambda: fidelity(model, x, {}, 1)):
            with pytest.raises(ValueError, match="target must be one of the model's 1 outputs"):
                ask()

    @pytest.mark.parametrize("target", ["a", 1.0, True, [0]])
    def test_that_are_none_are_refused(self, model, target):
        with pytest.raises(TypeError, match="target must be the number of an output"):
            attribute(model, torch.randn(2, 5, 3), target)


class Quadratic(nn.Module):
    """(sum_t x_t)^2 over the whole padded batch; its layer is there to be told time by."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 1, batch_first=True).double()

    def forward(self, x):
        self.rnn(x)
        return x.sum((1, 2)).square()


class TestWhatAddsUp:
    def test_deltas_are_those_of_arithmetic(self):
        # f(x) = (sum x)^2 at (1, 2, 3) from a baseline of 0: f = 36, the slope is 12 everywhere,
        # so that slope times input gives 12, 24, 36 = 72 and misses 36 - 72 = -36.
        x = torch.tensor([[[1.0], [2.0], [3.0]]]).double()
        found = attribute(Quadratic(), x, method="gradient_x_input")
        assert found.scores.tolist() == [[12, 24, 36]]
        assert found.delta.tolist() == [-36]
        # Integrated: 36 shared in proportion 1:2:3, by a rule that is exact for a line.
        exact = attribute(Quadratic(), x, method="integrated_gradients")
        assert torch.allclose(exact.scores, torch.tensor([[6.0, 12, 18]]).double(), atol=1e-6)
        assert exact.delta.abs().max() < 1e-6  # captum's grid is of float32

    def test_padding_stands_outside(self):
        # The third step is padding: the baseline keeps its 3, f goes from 9 to 36, slope 12.
        x = torch.tensor([[[1.0], [2.0], [3.0]]]).double()
        found = attribute(Quadratic(), x, method="gradient_x_input", lengths=[2])
        assert found.scores.tolist() == [[12, 24, 0]]
        assert found.delta.tolist() == [27 - 36]

    @pytest.mark.parametrize("lengths", [None, [6, 3]])
    @pytest.mark.parametrize("num_steps", [2, 64])
    def test_scores_and_delta_are_the_difference_from_the_baseline(self, lengths, num_steps):
        model, x = Turned(True, True), 3 * torch.randn(2, 6, 3).double()
        baseline = torch.zeros_like(x)
        if lengths is not None:
            baseline[1, 3:] = x[1, 3:]
        with torch.no_grad():
            difference = model(x) - model(baseline)
        for method in ("gradient_x_input", "integrated_gradients"):
            options = {"num_steps": num_steps} if method == "integrated_gradients" else {}
            found = attribute(model, x, method=method, lengths=lengths, **options)
            total = found.scores.sum(1) + found.delta
            assert torch.allclose(total, difference, atol=1e-9), method

    @pytest.mark.parametrize("lengths", [None, [6, 3]])
    def test_the_ledger_and_its_parts_are_the_prediction(self, lengths):
        model, x = Turned(True, True), torch.randn(2, 6, 3).double()
        found = attribute(model, x, method="ledger", lengths=lengths)
        parts = found.parts["initial"] + found.parts["remainder"]
        total = found.scores.sum(1) + parts + found.delta
        assert torch.allclose(total, found.prediction, atol=1e-10)
        assert found.delta.abs().max() < 1e-10


class TestTracesThatStayEmpty:
    def test_a_layer_whose_forward_is_called_by_hand_is_seen(self):
        class Drop(nn.Module):
            def __init__(self):
                super().__init__()
                self.module = nn.LSTM(3, 4)

            def forward(self, *args):
                return self.module.forward(*args)

        with carrousel.trace(model := Drop()) as trace:
            model(torch.randn(5, 2, 3))
        assert trace["module"].hidden.shape == (1, 5, 2, 4)

    def test_a_layer_whose_weights_go_to_torchs_function_says_why(self):
        class Drop(nn.Module):
            def __init__(self):
                super().__init__()
                self.module = nn.LSTM(3, 4)

            def forward(self, x):
                states = (x.new_zeros(1, 2, 4), x.new_zeros(1, 2, 4))
                weights = [w for w in self.module._flat_weights]
                return torch.lstm(x, states, weights, True, 1, 0.0, False, False, False)[0]

        with carrousel.trace(model := Drop()) as trace:
            model(torch.randn(5, 2, 3))
            with pytest.raises(KeyError, match=r"'module': no call of it was seen"):
                trace["module"]
        assert [left.name for left in trace.left] == ["module"]
        assert "torch's functions" in trace.left[0].reason
        with pytest.raises(ValueError, match="no call of it was seen"):
            gradient_flow(model, torch.randn(5, 2, 3))

    def test_a_model_that_was_not_called(self):
        with carrousel.trace(nn.GRU(2, 3)) as trace:
            pass
        assert "did not call it" in trace.left[0].reason


class TestPrivateModels:
    def test_whatever_refers_to_a_module_refers_to_its_twin(self):
        class Net(nn.Module):
            __slots__ = ("extra",)

            def __init__(self):
                super().__init__()
                self.rnn = nn.LSTM(3, 4)
                self.all = [self.rnn, {"head": nn.Linear(4, 1)}]
                self.run = self._run
                self.extra = 3
                self.register_buffer("seen", torch.zeros(1))

            def _run(self, x):
                self.seen = self.seen + 1
                return self.rnn(x)[0]

            def forward(self, x):
                return self.run(x)

        model, x = Net(), torch.randn(5, 2, 3)
        model.rnn.register_forward_hook(lambda m, args, output: None)
        twin, function = private(model, lambda x: model.run(x))
        assert twin.rnn is not model.rnn
        assert twin.all[0] is twin.rnn
        assert twin.run.__self__ is twin
        assert twin.extra == 3
        assert all(a is b for a, b in zip(twin.parameters(), model.parameters(), strict=True))
        assert torch.equal(function(x), model(x))
        assert (float(twin.seen), float(model.seen)) == (1, 1)
        assert model.training
        assert not twin.rnn.training
        twin.rnn.register_forward_pre_hook(lambda m, args: None)
        assert (len(model.rnn._forward_hooks), len(model.rnn._forward_pre_hooks)) == (1, 0)

    def test_of_a_compiled_model_runs_as_it_was_written(self):
        model, x = Turned(True, True), torch.randn(2, 5, 3).double()
        expected = attribute(model, x, method="ledger").scores
        compiled = torch.compile(copy.deepcopy(model), backend="eager")
        in_place = copy.deepcopy(model)
        in_place.compile(backend="eager")
        for one in (compiled, in_place):
            assert torch.allclose(attribute(one, x, method="ledger").scores, expected, atol=1e-12)


def _record():
    layer = nn.LSTM(3, 4)
    with torch.no_grad(), carrousel.trace(layer) as trace:
        layer(torch.randn(6, 2, 3))
    return trace[-1]


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda r: ledger("rnn"), TypeError, "record must be a Record"),
        (lambda r: survival(None), TypeError, "record must be a Record"),
        (lambda r: half_life(3), TypeError, "record must be a Record"),
        (lambda r: ledger(r).project(torch.ones(1, 4), index=3), ValueError, "index=3"),
        (lambda r: ledger(r).project(torch.ones(2, 4), torch.ones(3)), ValueError, "bias must be"),
        (lambda r: half_life(r, nn.LSTM(5, 4)), ValueError, "LSTM of 5 inputs and 4 units"),
        (lambda r: half_life(r, nn.GRU(3, 4)), ValueError, "a GRU of 3 inputs"),
        (lambda r: half_life(r, nn.Linear(3, 4)), TypeError, "layer must be a recurrent layer"),
        (lambda r: attribute(3, torch.ones(2, 3)), TypeError, "model must be"),
        (lambda r: fidelity(3, torch.ones(2, 3), {}), TypeError, "model must be"),
        (lambda r: fidelity(nn.GRU(3, 4), torch.ones(2, 3), 3), TypeError, "attributions must be"),
        (lambda r: carrousel.trace(nn.GRU(3, 4), steps=(0, 3)), TypeError, "steps must be slice"),
        (lambda r: carrousel.trace(nn.GRU(3, 4), keep="nowhere"), ValueError, "must be a device"),
        (lambda r: carrousel.trace(nn.GRU(3, 4), layers="rnn"), TypeError, "list of names"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(ask, error, message):
    with pytest.raises(error, match=message):
        ask(_record())


def test_a_record_of_no_step_says_so():
    layer = nn.LSTM(3, 4)
    with carrousel.trace(layer, steps=slice(9, 20)) as trace:
        layer(torch.randn(6, 2, 3))
    for ask in (ledger, survival, half_life):
        with pytest.raises(ValueError, match="holds no step"):
            ask(trace[-1])


def test_records_that_are_not_there():
    layer = nn.GRU(3, 4)
    with carrousel.trace(layer) as trace:
        layer(torch.randn(6, 2, 3))
    for key in (7, ("", 7)):
        with pytest.raises(IndexError, match="there is no record 7"):
            trace[key]
    with pytest.raises(TypeError, match="record's key must be a name"):
        trace[1.5]
