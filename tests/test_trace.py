"""trace: records of any model's recurrent layers, equal to what a hand-written loop finds."""

import copy
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import pytest
import torch
from tests import loops
from tests.nn.twins import under_autocast
from torch import nn
from torch.nn.utils.rnn import pack_sequence

import carrousel
from carrousel.ops.tape import TAPE
from carrousel.storage.checkpoint import load_checkpoint, save_checkpoint

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
SHAPES = {
    "one step, sequence and unit": (1, 1, 1, {}),
    "two levels": (6, 3, 5, {"num_layers": 2}),
    "bidirectional": (7, 2, 17, {"bidirectional": True}),
    "two levels both ways, batch first": (
        5, 4, 3, {"num_layers": 2, "bidirectional": True, "batch_first": True},
    ),
}  # fmt: skip


class Model(nn.Module):
    """A layer inside a model, read out by a linear layer."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.rnn = layer
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


@pytest.fixture
def lstm_model() -> Model:
    return Model(nn.LSTM(3, 4), 4)


def _layer(kind: str, hidden: int, options: dict, dtype=torch.float64) -> nn.RNNBase:
    torch.manual_seed(3)
    return KINDS[kind](2, hidden, **options).to(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
class TestAgainstAHandWrittenLoop:
    def _both(self, kind, shape):
        steps, batch, hidden, options = SHAPES[shape]
        layer = _layer(kind, hidden, options)
        x = torch.randn(steps, batch, 2, dtype=torch.float64)
        expected, entries = loops.run(layer, x)
        weights = torch.randn_like(expected)
        (expected * weights).sum().backward()
        if layer.batch_first:
            x, weights = x.transpose(0, 1), weights.transpose(0, 1)
        with carrousel.trace(layer) as trace:
            output = layer(x)[0]
            (output * weights).sum().backward()
        return trace[""], entries

    def test_states_and_gates(self, kind, shape):
        record, entries = self._both(kind, shape)
        for name in ("hidden", "cell")[: 2 if kind == "lstm" else 1]:
            states = torch.stack([torch.stack(entry[name]) for entry in entries])
            assert torch.allclose(getattr(record, name), states, atol=1e-12, rtol=0)
        for name, gate in record.gates.items():
            gates = [torch.stack([g[name] for g in entry["gates"]]) for entry in entries]
            assert torch.allclose(gate, torch.stack(gates), atol=1e-12, rtol=0)
        if kind != "lstm":
            assert record.cell is None

    def test_gradients_of_every_state(self, kind, shape):
        record, entries = self._both(kind, shape)
        for name in ("hidden", "cell")[: 2 if kind == "lstm" else 1]:
            grads = torch.stack([torch.stack([s.grad for s in e[name]]) for e in entries])
            found = getattr(record, f"grad_{name}")
            assert torch.allclose(found, grads, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_come_back_in_the_callers_order(kind):
    layer = _layer(kind, 4, {"bidirectional": True})
    sequences = [torch.randn(n, 2, dtype=torch.float64) for n in (2, 6, 1, 4)]
    with carrousel.trace(layer) as trace:
        output, _ = layer(pack_sequence(sequences, enforce_sorted=False))
        output.data.sum().backward()
    record = trace[-1]
    assert record.lengths.tolist() == [2, 6, 1, 4]
    for b, sequence in enumerate(sequences):
        alone, entries = loops.run(layer, sequence[:, None])
        alone.sum().backward()
        n = len(sequence)
        for index, entry in enumerate(entries):
            hidden = torch.cat(entry["hidden"])
            grads = torch.cat([s.grad for s in entry["hidden"]])
            assert torch.allclose(record.hidden[index, :n, b], hidden, atol=1e-12)
            assert torch.allclose(record.grad_hidden[index, :n, b], grads, atol=1e-10)
        assert record.hidden[:, n:, b].isnan().all()
        assert torch.equal(record.inputs[:n, b], sequence)


def test_initial_states_of_packed_sequences_come_back_in_the_callers_order():
    layer = _layer("lstm", 3, {})
    h0, c0 = torch.randn(2, 1, 3, 3, dtype=torch.float64)
    packed = pack_sequence([torch.zeros(n, 2).double() for n in (1, 3, 2)], enforce_sorted=False)
    with carrousel.trace(layer) as trace:
        layer(packed, (h0, c0))
    assert torch.equal(trace[-1].initial_hidden, h0)
    assert torch.equal(trace[-1].initial_cell, c0)


def test_an_unbatched_sequence_is_a_batch_of_one():
    with carrousel.trace(layer := nn.GRU(2, 3)) as trace:
        layer(torch.randn(5, 2))
    assert trace[-1].hidden.shape == (1, 5, 1, 3)


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode", "training"])
def test_tracing_changes_no_output(mode, lstm_model):
    carrousel.adopt(lstm_model)
    x = torch.randn(6, 2, 3)
    context = {"no_grad": torch.no_grad, "inference_mode": torch.inference_mode}
    with context.get(mode, torch.enable_grad)():
        plain = lstm_model(x)
        with carrousel.trace(lstm_model) as trace:
            traced = lstm_model(x)
    assert torch.equal(plain, traced)
    assert trace["rnn"].grad_hidden is None


def test_a_model_that_changes_the_output_in_place_does_not_change_the_record():
    layer = nn.LSTM(3, 4)
    with torch.no_grad(), carrousel.trace(layer) as trace:
        output, _ = layer(torch.randn(5, 2, 3))
        expected = output.clone()
        output.zero_()
    assert torch.equal(trace[-1].hidden[0], expected)


def test_gradients_after_the_block_and_weights_that_train(lstm_model):
    with carrousel.trace(lstm_model) as trace:
        loss = lstm_model(torch.randn(6, 2, 3)).square().sum()
    assert trace["rnn"].grad_cell is None
    loss.backward()
    assert trace["rnn"].grad_cell.shape == (1, 6, 2, 4)
    assert lstm_model.rnn.weight_hh_l0.grad is not None


def test_backward_leaves_the_gates_as_they_were(lstm_model):
    with carrousel.trace(lstm_model) as trace:
        loss = lstm_model(torch.randn(6, 2, 3)).sum()
        before = {name: gate.clone() for name, gate in trace["rnn"].gates.items()}
        loss.backward()
    for name, gate in trace["rnn"].gates.items():
        assert torch.equal(gate, before[name]), name


def test_a_second_backward_replaces_the_gradients():
    model = Model(nn.LSTM(3, 4, num_layers=2), 4)
    with carrousel.trace(model) as trace:
        output = model(torch.randn(5, 2, 3))
        output.sum().backward(retain_graph=True)
        first = trace["rnn"].grad_hidden.clone()
        (2 * output).sum().backward()
    assert torch.allclose(trace["rnn"].grad_hidden, 2 * first)


class TestLayers:
    def test_nothing_in_the_model_changes(self, lstm_model):
        before = [dict(vars(module)) for module in lstm_model.modules()]
        forwards = [cls.forward for cls in KINDS.values()]
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(6, 2, 3))
            assert type(lstm_model.rnn) is nn.LSTM
            for module, known in zip(lstm_model.modules(), before, strict=True):
                assert vars(module).keys() == known.keys()
                assert all(vars(module)[name] is value for name, value in known.items())
                assert not module._forward_hooks
                assert not module._forward_pre_hooks
        assert len(trace) == 1
        assert [cls.forward for cls in KINDS.values()] == forwards

    def test_after_an_exception_too(self, lstm_model):
        with pytest.raises(RuntimeError), carrousel.trace(lstm_model):
            lstm_model(torch.randn(6, 2, 99))
        assert type(lstm_model.rnn) is nn.LSTM
        assert TAPE.get() is None

    def test_a_failed_call_leaves_no_record_and_spoils_none(self, lstm_model):
        with carrousel.trace(lstm_model) as trace:
            with pytest.raises(RuntimeError):
                lstm_model(torch.randn(6, 2, 99))
            lstm_model(torch.randn(6, 2, 3))
        assert len(trace) == 1

    def test_an_interrupt_takes_the_tape_down(self, lstm_model):
        def interrupt(*_):
            raise KeyboardInterrupt

        lstm_model.rnn.register_forward_hook(interrupt, prepend=True)
        with carrousel.trace(lstm_model):
            lstm_model.rnn.register_forward_pre_hook(interrupt)
            with pytest.raises(KeyboardInterrupt):
                lstm_model(torch.randn(6, 2, 3))
        assert TAPE.get() is None

    def test_only_those_that_are_named(self):
        model = nn.ModuleDict({"a": nn.LSTM(2, 3), "b": nn.GRU(2, 3)})
        with carrousel.trace(model, layers=["b"]) as trace:
            for layer in model.values():
                layer(torch.randn(4, 2))
        assert trace.names == ["b"]

    def test_an_unknown_name_says_which_there_are(self, lstm_model):
        with pytest.raises(ValueError, match=r"layers must be one of 'rnn', got 'lstm'"):
            carrousel.trace(lstm_model, layers=["lstm"]).__enter__()
        assert type(lstm_model.rnn) is nn.LSTM

    def test_a_model_without_any_is_refused(self):
        with pytest.raises(ValueError, match="no recurrent layer"):
            carrousel.trace(nn.Linear(2, 2)).__enter__()

    def test_a_scripted_layer_is_named_with_the_reason(self):
        with pytest.warns(DeprecationWarning, match="torch.jit"):
            scripted = torch.jit.script(nn.LSTM(2, 3))
        model = nn.ModuleList([scripted, nn.GRU(2, 3)])
        with carrousel.trace(model) as trace:
            model[1](torch.randn(4, 2))
        assert [left.name for left in trace.left] == ["0"]
        assert "TorchScript" in trace.left[0].reason

    def test_what_is_no_module_is_refused(self):
        with pytest.raises(TypeError, match="got str"):
            carrousel.trace("model")

    def test_a_wrapped_model_is_found_by_the_end_of_the_name(self, lstm_model):
        wrapped = nn.DataParallel(lstm_model)
        with carrousel.trace(wrapped) as trace:
            wrapped(torch.randn(6, 2, 3))
        assert trace["rnn"] is trace["module.rnn"]

    def test_a_copy_made_in_the_block_is_another_model(self, lstm_model):
        x = torch.randn(6, 2, 3)
        with carrousel.trace(lstm_model) as trace:
            twin = copy.deepcopy(lstm_model)
            with carrousel.trace(twin) as other:
                assert torch.allclose(twin(x), lstm_model(x), atol=1e-6)
        assert len(trace) == len(other) == 1
        assert trace["rnn"].module is lstm_model.rnn
        assert other["rnn"].module is twin.rnn

    @pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
    def test_a_layer_whose_options_have_no_kernel(self):
        layer = nn.LSTM(2, 5, proj_size=3)
        x = torch.randn(4, 2, 2)
        expected = layer(x)[0]
        with carrousel.trace(layer) as trace:
            output = layer(x)[0]
            output.sum().backward()
        assert torch.allclose(output, expected, atol=1e-6)
        assert trace[-1].hidden.shape[-1] == 3
        assert trace[-1].cell.shape[-1] == 5
        assert trace[-1].grad_cell.abs().sum() > 0

    @pytest.mark.parametrize("options", [{}, {"proj_size": 3}], ids=["kernel", "reference"])
    def test_gradients_are_none_until_backward_has_passed(self, options):
        layer = carrousel.LSTM(2, 5, **options)
        with carrousel.trace(layer, steps=slice(1, 3)) as trace:
            output, _ = layer(torch.randn(4, 2, 2))
            assert trace[-1].grad_hidden is None
            output.sum().backward()
        assert trace[-1].grad_hidden.abs().sum() > 0

    def test_an_empty_batch_runs_and_leaves_no_record(self, lstm_model):
        with carrousel.trace(lstm_model) as trace:
            assert lstm_model(torch.randn(3, 0, 3)).shape == (3, 0, 1)
        assert len(trace) == 0
        assert "empty batch" in trace.left[0].reason

    def test_autocast_is_left_alone_and_said_to_be(self, lstm_model):
        x = torch.randn(4, 2, 3)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            expected = under_autocast(lstm_model, x)
            with carrousel.trace(lstm_model) as trace:
                assert torch.equal(lstm_model(x), expected)
                lstm_model(x)
        assert [left.name for left in trace.left] == ["rnn"]
        assert "autocast" in trace.left[0].reason
        with pytest.raises(KeyError, match="autocast"):
            trace["rnn"]

    def test_no_step_is_torchs_error(self, lstm_model):
        with carrousel.trace(lstm_model), pytest.raises(RuntimeError, match="larger than 0"):
            lstm_model(torch.randn(0, 2, 3))

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
    def test_half_precision(self, dtype):
        layer = nn.GRU(2, 5).to(dtype)
        with carrousel.trace(layer) as trace:
            layer(torch.randn(4, 2, 2, dtype=dtype))[0].sum().backward()
        assert trace[-1].grad_hidden.dtype == dtype
        assert carrousel.explain.ledger(trace[-1]).error < 0.01
        assert len(trace.to_dataframe()) == 4 * 2 * 5

    def test_a_compiled_model_is_seen(self, lstm_model):
        compiled = torch.compile(lstm_model, backend="eager")
        with carrousel.trace(compiled) as trace:
            compiled(torch.randn(6, 2, 3))
        assert trace["rnn"].hidden.shape == (1, 6, 2, 4)


class TestCells:
    @pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
    def test_a_loop_over_a_cell_is_one_record(self, kind):
        layer = getattr(nn, kind)(3, 4)
        cell = getattr(nn, f"{kind}Cell")(3, 4)
        for name, parameter in cell.named_parameters():
            parameter.data = getattr(layer, f"{name}_l0").data
        x = torch.randn(6, 2, 3)
        with carrousel.trace(layer) as expected:
            layer(x)[0].square().sum().backward()
        with carrousel.trace(cell) as trace:
            state, outputs = None, []
            for x_t in x:
                state = cell(x_t, state)
                outputs.append(state[0] if kind == "LSTM" else state)
            torch.stack(outputs).square().sum().backward()
        assert len(trace) == 1
        assert trace[-1].lengths.tolist() == [6, 6]
        for name, array in expected[-1].arrays().items():
            assert torch.allclose(trace[-1].arrays()[name], array, atol=1e-6), name

    def test_a_new_sequence_is_a_new_record(self):
        cell = nn.GRUCell(3, 4)
        with torch.no_grad(), carrousel.trace(nn.ModuleDict({"cell": cell})) as trace:
            for steps in (2, 3):
                h = torch.zeros(1, 4)
                for _ in range(steps):
                    h = cell(torch.randn(1, 3), hx=h)
        assert [record.hidden.shape[1] for record in trace.calls("cell")] == [2, 3]

    def test_a_state_that_the_model_has_changed_starts_a_new_record(self):
        cell = nn.LSTMCell(3, 4)
        with torch.no_grad(), carrousel.trace(cell) as trace:
            h, c = cell(torch.randn(3))
            cell(torch.randn(3), (0.5 * h, c))
        assert len(trace) == 2

    def test_no_state_is_kept_alive(self):
        cell = nn.GRUCell(3, 4)
        with carrousel.trace(cell):
            h = cell(torch.randn(2, 3))
            kept = weakref.ref(h)
            del h
            assert kept() is None


class TestCalls:
    def test_calls_from_two_threads_are_kept_apart(self, lstm_model):
        def run(steps):
            for _ in range(20):
                lstm_model(torch.randn(steps, 1, 3))

        def alone(steps):
            with carrousel.trace(lstm_model) as own:
                run(steps)
            assert [record.hidden.shape[1] for record in own] == [steps] * 20

        with carrousel.trace(lstm_model) as trace, ThreadPoolExecutor() as pool:
            # Threads that are handed a copy of the block's context belong to it.
            jobs = [pool.submit(copy_context().run, run, steps) for steps in (2, 3)]
            jobs += [pool.submit(run, 4), pool.submit(alone, 5), pool.submit(alone, 6)]
            for job in jobs:
                job.result()
        assert sorted(record.hidden.shape[1] for record in trace) == [2] * 20 + [3] * 20
        assert sorted(record.call for record in trace) == list(range(40))

    def test_each_call_has_its_record(self, lstm_model):
        with carrousel.trace(lstm_model) as trace:
            for steps in (2, 3, 4):
                lstm_model(torch.randn(steps, 1, 3))
        assert [record.hidden.shape[1] for record in trace.calls("rnn")] == [2, 3, 4]
        assert trace["rnn"] is trace["rnn", 2] is trace[-1]
        assert [record.call for record in trace] == [0, 1, 2]

    def test_an_unknown_layer_says_which_there_are(self, lstm_model):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(2, 1, 3))
        with pytest.raises(KeyError, match=r"no record of a layer 'head'; there are \['rnn'\]"):
            trace["head"]

    def test_nested_traces_both_record(self, lstm_model):
        with carrousel.trace(lstm_model) as outer:
            with carrousel.trace(lstm_model, steps=slice(0, 2)) as inner:
                lstm_model(torch.randn(5, 1, 3)).sum().backward()
            lstm_model(torch.randn(5, 1, 3))
        assert len(outer) == 2
        assert outer[0].hidden.shape[1] == outer[0].grad_hidden.shape[1] == 5
        assert len(inner) == 1
        assert inner[0].hidden.shape[1] == inner[0].grad_hidden.shape[1] == 2
        assert TAPE.get() is None

    def test_a_trace_is_entered_once(self, lstm_model):
        trace = carrousel.trace(lstm_model)
        with trace:
            pass
        with pytest.raises(RuntimeError, match="entered once"):
            trace.__enter__()


class TestMemory:
    @pytest.mark.parametrize("window", [slice(2, 5), slice(-3, None), slice(0, 1), slice(4, 4)])
    @pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both ways"])
    def test_only_some_steps_are_kept(self, window, bidirectional):
        layer = nn.LSTM(3, 4, bidirectional=bidirectional)
        x = torch.randn(6, 2, 3)
        records = []
        for steps in (None, window):
            with carrousel.trace(layer, steps=steps) as trace:
                layer(x)[0].sum().backward()
            records.append(trace[-1])
        whole, part = records
        for name in ("hidden", "cell", "grad_hidden", "grad_cell"):
            assert torch.equal(getattr(part, name), getattr(whole, name)[:, window])
        assert torch.equal(part.inputs, x[window])
        assert list(part.steps) == list(range(6))[window]
        if window.start == 2:
            assert torch.equal(part.initial_cell[0], whole.cell[0, 1])
        if window.start == 2 and bidirectional:
            assert torch.equal(part.initial_cell[1], whole.cell[1, 5])

    def test_kept_steps_of_packed_sequences(self):
        layer = nn.GRU(3, 4, bidirectional=True)
        packed = pack_sequence([torch.randn(n, 3) for n in (2, 6, 4)], enforce_sorted=False)
        with carrousel.trace(layer) as whole, carrousel.trace(layer, steps=slice(1, 5)) as part:
            layer(packed)[0].data.sum().backward()
        assert part[-1].lengths.tolist() == [1, 4, 3]
        for name in ("hidden", "grad_hidden"):
            expected = getattr(whole[-1], name)[:, 1:5]
            assert torch.allclose(getattr(part[-1], name), expected, equal_nan=True)
        assert part[-1].initial_hidden[1, 0].eq(0).all()  # ended inside the window: begins there

    def test_a_stride_is_refused(self, lstm_model):
        with pytest.raises(ValueError, match="without a stride"):
            carrousel.trace(lstm_model, steps=slice(0, 9, 2))

    def test_the_rest_of_the_run_is_freed(self):
        def tensors() -> list[torch.Tensor]:
            return [t for t in gc.get_objects() if type(t) is torch.Tensor]

        layer = nn.LSTM(3, 4)
        others = tensors()  # of tests before this one, held so that no new one takes their place
        with torch.no_grad(), carrousel.trace(layer, steps=slice(0, 1)) as trace:
            layer(torch.randn(5000, 2, 3))
        known = {id(t) for t in others}
        held = [t for t in tensors() if id(t) not in known]
        assert not [t for t in held if t.untyped_storage().size() > 4 * 2 * 4 * 4000]
        assert trace[-1].hidden.shape[1] == 1

    def test_kept_on_another_device(self, lstm_model):
        with carrousel.trace(lstm_model, keep="cpu") as trace:
            lstm_model(torch.randn(6, 2, 3)).sum().backward()
        assert trace["rnn"].grad_cell.device.type == "cpu"

    def test_nothing_outlives_the_trace(self, lstm_model):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(6, 2, 3)).sum().backward()
        kept = weakref.ref(trace["rnn"].hidden)
        model = weakref.ref(lstm_model.rnn)
        del lstm_model.rnn
        assert model() is None, "a record keeps its layer alive"
        del trace
        assert kept() is None


class TestTables:
    @pytest.mark.parametrize("backend", ["polars", "pandas", "pyarrow"])
    def test_one_row_per_step_and_unit(self, lstm_model, backend):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(6, 2, 3)).sum().backward()
        frame = trace.to_dataframe(backend)
        assert type(frame).__module__.startswith(backend)
        assert len(frame) == 6 * 2 * 4
        row = 2 * 6 * 4 // 2 + 1 * 4 + 3  # sequence 1, step 1, unit 3
        expected = trace["rnn"].cell[0, 1, 1, 3].item()
        value = frame["cell"][row]
        assert np.float32(value.as_py() if backend == "pyarrow" else value) == np.float32(expected)

    def test_what_a_layer_has_not_is_null(self):
        model = nn.ModuleDict({"a": nn.LSTM(2, 3), "b": nn.GRU(2, 3, bidirectional=True)})
        with carrousel.trace(model) as trace:
            for layer in model.values():
                layer(pack_sequence([torch.randn(3, 2), torch.randn(1, 2)]))
        frame = trace.to_dataframe()
        assert len(frame) == (3 + 1) * 3 * (1 + 2)
        assert frame.filter(layer="b")["forget"].null_count() == 24
        assert frame.filter(layer="b")["update"].null_count() == 0
        assert set(frame["direction"]) == {"forward", "reverse"}

    def test_an_unknown_kind_of_table(self, lstm_model):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(1, 1, 3))
        with pytest.raises(ValueError, match="backend must be one of"):
            trace.to_dataframe("arrow")

    def test_an_empty_trace_has_no_table(self, lstm_model):
        with carrousel.trace(lstm_model) as trace, pytest.raises(ValueError, match="no record yet"):
            trace.to_dataframe()


class TestFiles:
    def test_what_is_saved_is_read_back(self, tmp_path):
        model = nn.ModuleDict({"a": nn.LSTM(2, 3), "b": nn.GRU(2, 3, bidirectional=True)})
        with carrousel.trace(model, steps=slice(1, None)) as trace:
            for layer in model.values():
                output, _ = layer(pack_sequence([torch.randn(3, 2), torch.randn(1, 2)]))
                output.data.sum().backward()
        trace.save(tmp_path / "run.safetensors")
        loaded = carrousel.load_trace(tmp_path / "run.safetensors")
        assert loaded.names == ["a", "b"]
        assert [f.name for f in tmp_path.iterdir()] == ["run.safetensors"]
        for before, after in zip(trace, loaded, strict=True):
            assert before.info == after.info
            assert before.arrays().keys() == after.arrays().keys()
            for name, array in before.arrays().items():
                assert torch.allclose(array, after.arrays()[name], equal_nan=True), name
        assert loaded.to_dataframe().equals(trace.to_dataframe(), null_equal=True)

    def test_another_kind_of_file_is_refused(self, tmp_path):
        save_checkpoint(tmp_path / "other.safetensors", {"x": torch.zeros(1)}, {})
        with pytest.raises(ValueError, match="holds no trace"):
            carrousel.load_trace(tmp_path / "other.safetensors")

    def test_a_damaged_file_is_refused(self, lstm_model, tmp_path):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(6, 2, 3))
        trace.save(tmp_path / "run.safetensors")
        content = (tmp_path / "run.safetensors").read_bytes()
        (tmp_path / "run.safetensors").write_bytes(content[:-9])
        with pytest.raises(ValueError, match="truncated"):
            carrousel.load_trace(tmp_path / "run.safetensors")

    @pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
    def test_a_changed_number_is_refused(self, lstm_model, tmp_path, where):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(6, 2, 3))
        trace.save(tmp_path / "run.safetensors")
        content = bytearray((tmp_path / "run.safetensors").read_bytes())
        header = 8 + int.from_bytes(content[:8], "little")
        content[header + int(where * (len(content) - header))] ^= 1
        (tmp_path / "run.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match="was changed"):
            carrousel.load_trace(tmp_path / "run.safetensors")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda t, i: t.pop("rnn/0/cell"), "cell is missing"),
            (lambda t, i: t.update({"rnn/0/more": torch.zeros(1)}), "more is missing or too many"),
            (lambda t, i: t["rnn/0/lengths"].fill_(7), "lengths are not from 0 to 6"),
            (lambda t, i: t["rnn/0/lengths"].fill_(-1), "lengths are not from 0 to 6"),
            (lambda t, i: t.update({"rnn/0/lengths": torch.zeros(2)}), "lengths is torch.float32"),
            (lambda t, i: t.update({"rnn/0/forget": torch.zeros(1, 6, 1, 4)}), "forget is"),
            (lambda t, i: t.update({"rnn/0/hidden": torch.zeros(6, 2, 4)}), "hidden has the shape"),
            (lambda t, i: t.update({"rnn/0/inputs": torch.zeros(())}), "inputs is"),
            (lambda t, i: i.update(kind="tree"), "of no layer"),
            (lambda t, i: i.update(kind="gru"), "missing or too many"),
            (lambda t, i: i.update(call="0"), "record.call must be a whole number"),
            (lambda t, i: i.update(more=1), "record"),
            (lambda t, i: i.update(num_layers=2), "hidden has the shape"),
            (lambda t, i: i.update(num_directions=0), "impossible"),
        ],
    )
    def test_a_file_of_other_things_is_refused(self, lstm_model, tmp_path, change, message):
        with carrousel.trace(lstm_model) as trace:
            lstm_model(torch.randn(6, 2, 3))
        path = tmp_path / "run.safetensors"
        trace.save(path)
        tensors, data = load_checkpoint(path)
        change(tensors, data["records"][0])
        save_checkpoint(path, tensors, data)
        with pytest.raises(ValueError, match=message):
            carrousel.load_trace(path)
