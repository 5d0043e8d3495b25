"""Threads and tasks that trace, call, adopt and explain one model at the same time."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

import carrousel
from carrousel.explain import attribute, fidelity, gradient_flow, ledger
from carrousel.explain.asking import evaluated
from carrousel.ops.tape import TAPE

THREADS = 16
LAYERS = {
    f"{make.__name__.split('.')[0]}.{kind}": getattr(make, kind)
    for make in (nn, carrousel)
    for kind in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
}


def in_a_loop(coroutine):
    """What a coroutine gives, in a thread of its own: in this one a browser's loop may run."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class Doubling(nn.LSTM):
    """A layer that someone wrote."""

    def forward(self, input, hx=None):
        output, state = super().forward(input, hx)
        return 2 * output, state


class Model(nn.Module):
    """One layer, or a loop over a cell, with a head, in float64."""

    def __init__(self, cls: type) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = cls(3, 4).double()
        self.head = nn.Linear(4, 1).double()

    def forward(self, x):
        if isinstance(self.rnn, nn.RNNBase):
            return self.head(self.rnn(x)[0])
        state, outputs = None, []
        for x_t in x:
            state = self.rnn(x_t, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return self.head(torch.stack(outputs))


def own_input(number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(number)
    return torch.randn(2 + number % 5, 1 + number % 3, 3, generator=generator).double()


def looked_into(model: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Everything that one trace of one training step shows, and the output."""
    with carrousel.trace(model) as trace:
        output = model(x)
        torch.autograd.grad(output.square().sum(), list(model.parameters()))
    assert len(trace) == 1
    return trace["rnn"].arrays() | {"output": output.detach()}


def same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        torch.allclose(found[name], expected[name], atol=1e-12) for name in expected
    )


def together(job: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """``job(number)`` in each of ``count`` threads, which begin at the same time."""
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        gate.wait()
        return job(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def often_switched() -> Iterator[None]:
    """Threads that take turns a thousand times as often as Python lets them by itself."""
    import sys

    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("cls", [*LAYERS.values(), Doubling], ids=[*LAYERS, "subclass"])
def test_each_thread_sees_its_own_calls(cls):
    model = Model(cls)
    inputs = [own_input(number) for number in range(THREADS)]
    expected = [looked_into(model, x) for x in inputs]
    plain = [model(x).detach() for x in inputs]

    def job(number: int) -> list[bool]:
        found = []
        for _ in range(12):
            if number % 4 == 3:  # a thread that looks at nothing
                found.append(torch.allclose(model(inputs[number]), plain[number], atol=1e-12))
            else:
                found.append(same(looked_into(model, inputs[number]), expected[number]))
        return found

    with often_switched():
        results = together(job)
    assert all(all(found) for found in results)
    assert type(model.rnn) is cls
    assert TAPE.get() is None
    if cls.__module__.startswith("torch"):
        assert cls.forward.__code__.co_filename.endswith("rnn.py")


def test_tasks_of_one_thread_see_their_own_calls():
    model = Model(nn.GRU)
    expected = [looked_into(model, own_input(number)) for number in range(8)]

    async def reader(number: int) -> bool:
        with carrousel.trace(model) as trace:
            await asyncio.sleep(0.001 * (number % 3))
            output = model(own_input(number))
            await asyncio.sleep(0.001 * ((number + 1) % 3))
            torch.autograd.grad(output.square().sum(), list(model.parameters()))
            await asyncio.sleep(0)
        assert len(trace) == 1
        return same(trace["rnn"].arrays() | {"output": output.detach()}, expected[number])

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(reader(number) for number in range(8)))

    assert all(in_a_loop(all_of_them()))
    assert TAPE.get() is None


def test_what_a_block_starts_belongs_to_it():
    model = Model(nn.LSTM)

    async def block() -> int:
        with carrousel.trace(model) as trace:
            await asyncio.gather(
                asyncio.create_task(asyncio.to_thread(model, own_input(0))),
                asyncio.to_thread(model, own_input(1)),
            )
        await asyncio.to_thread(model, own_input(2))
        return len(trace)

    assert in_a_loop(block()) == 2


def test_a_task_that_outlives_the_block_is_not_seen_any_more():
    model = Model(nn.LSTM)

    async def later(over: asyncio.Event) -> torch.Tensor:
        await over.wait()
        return model(own_input(0))

    async def block() -> int:
        over = asyncio.Event()
        with carrousel.trace(model) as trace:
            task = asyncio.create_task(later(over))
            await asyncio.sleep(0)
        over.set()
        await task
        return len(trace)

    assert in_a_loop(block()) == 0


def test_blocks_may_end_in_any_order():
    model = Model(nn.LSTM)
    first, second = carrousel.trace(model), carrousel.trace(model)
    first.__enter__()
    second.__enter__()
    model(own_input(0))
    first.__exit__(None, None, None)
    model(own_input(0))
    second.__exit__(None, None, None)
    model(own_input(0))
    assert (len(first), len(second)) == (1, 2)
    assert TAPE.get() is None


@pytest.mark.parametrize("cls", [nn.LSTM, carrousel.LSTM], ids=["torch", "ours"])
def test_backward_in_another_thread_fills_the_record_of_its_forward(cls):
    model = Model(cls)
    expected = [looked_into(model, own_input(number)) for number in range(4)]
    traces, losses = [], []
    for number in range(4):
        with carrousel.trace(model) as trace:
            losses.append(model(own_input(number)).square().sum())
        traces.append(trace)
    together(lambda k: torch.autograd.grad(losses[k], list(model.parameters())), 4)
    for trace, wanted in zip(traces, expected, strict=True):
        assert torch.allclose(trace["rnn"].grad_hidden, wanted["grad_hidden"], atol=1e-12)
        assert torch.allclose(trace["rnn"].grad_cell, wanted["grad_cell"], atol=1e-12)


def test_an_error_in_one_thread_is_its_own():
    model = Model(nn.GRU)
    expected = looked_into(model, own_input(0))

    def job(number: int) -> bool:
        if number % 2:
            with pytest.raises(RuntimeError), carrousel.trace(model):
                model(torch.zeros(2, 2, 99).double())
            return True
        return same(looked_into(model, own_input(0)), expected)

    assert all(all(together(job, 8)) for _ in range(5))


def test_a_compiled_model_is_traced_by_many_and_compiled_again_afterwards():
    torch.compiler.reset()
    compiled = torch.compile(Model(carrousel.GRU), backend="eager")
    expected = compiled(own_input(0)).detach()

    def job(number: int) -> bool:
        if number % 2:
            return torch.allclose(compiled(own_input(0)), expected, atol=1e-12)
        with carrousel.trace(compiled) as trace:
            output = compiled(own_input(number))
        return len(trace) == 1 and trace["rnn"].hidden.shape[1] == len(output)

    assert all(together(job, 6))
    from torch._dynamo import eval_frame

    assert eval_frame._stance.stance == "default"


def test_adopting_is_the_callers():
    def job(number: int) -> bool:
        for _ in range(20):
            if number % 2:
                with carrousel.adopting() as made:
                    layers = [nn.LSTM(2, 3), nn.GRUCell(2, 3)]
                if len(made) != 2 or not isinstance(layers[0], carrousel.LSTM):
                    return False
            elif type(nn.LSTM(2, 3)) is not nn.LSTM:
                return False
        return True

    assert all(together(job, 8))


class Dropping(nn.Module):
    """In training it drops everything: evaluation mode is easy to tell."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.LSTM(3, 4, batch_first=True).double()
        self.drop = nn.Dropout(1.0)
        self.head = nn.Linear(4, 1).double()

    def forward(self, x):
        return self.head(self.drop(self.rnn(x)[0][:, -1]))[:, 0]


def _asked(model: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    methods = ("occlusion", "gradient_x_input", "ledger")
    found = {m: attribute(model, x, method=m) for m in methods}
    flow = gradient_flow(model, x, of=lambda output: output)
    deletion = fidelity(model, x, found, randomize=False).scores["occlusion"].most_first
    return [*(one.scores for one in found.values()), flow.hidden, deletion]


def test_explaining_disturbs_no_training_and_no_other_question():
    model = Dropping()
    inputs = [torch.randn(2, 5, 3).double() for _ in range(6)]
    expected = [_asked(model, x) for x in inputs]
    assert all(one[0].abs().sum() > 0 for one in expected)
    bias = float(model.head.bias.detach())

    def job(number: int) -> bool:
        if number < 2:  # trains: everything is dropped, always
            trained = [bool((model(inputs[0]) == bias).all()) for _ in range(50)]
            return all(trained) and model.training and not model.rnn._forward_hooks
        return all(
            torch.allclose(a, b, atol=1e-9)
            for a, b in zip(_asked(model, inputs[number]), expected[number], strict=True)
        )

    assert all(together(job, 6))
    assert all(module.training for module in model.modules())
    assert type(model.rnn) is nn.LSTM


def test_who_evaluates_a_model_first_does_not_end_it_for_the_others():
    model = Dropping()
    model.head.eval()
    first, second = evaluated(model), evaluated(model)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not any(module.training for module in model.modules())
    second.__exit__(None, None, None)
    assert model.training
    assert model.drop.training
    assert not model.head.training


class TestBuffers:
    """What the caller writes to afterwards is in no record."""

    @pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
    @pytest.mark.parametrize("steps", [None, slice(0, 3)], ids=["all steps", "some"])
    @pytest.mark.parametrize("grad", [False, True], ids=["no gradient", "gradient"])
    @pytest.mark.parametrize("batch", [1, 2])
    def test_of_a_layer(self, batch_first, steps, grad, batch):
        torch.manual_seed(0)
        layer = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=batch_first)
        x = torch.randn(5, batch, 3)
        given = (x.transpose(0, 1) if batch_first else x).clone()
        h, c = torch.ones(4, batch, 4), torch.ones(4, batch, 4)
        with torch.set_grad_enabled(grad), carrousel.trace(layer, steps=steps, keep="cpu") as trace:
            output, (h_n, c_n) = layer(given, (h, c))
            before = {name: a.clone() for name, a in trace[-1].arrays().items()}
            for buffer in (given, h, c, output.detach(), h_n.detach(), c_n.detach()):
                buffer.zero_()
        for name, array in trace[-1].arrays().items():
            assert torch.equal(array, before[name]), name
        assert torch.equal(trace[-1].inputs, x[steps or slice(None)])
        assert ledger(trace[-1]).error < 1e-6

    @pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
    def test_of_an_output_that_is_changed_in_place_before_backward(self, kind):
        layer, x = getattr(carrousel, kind)(3, 4), torch.randn(5, 2, 3)
        records = []
        for change in (torch.relu, torch.relu_):
            with carrousel.trace(layer) as trace:
                change(layer(x)[0]).sum().backward()
            records.append(trace[-1].arrays())
        assert same(records[1], records[0])

    def test_of_a_packed_sequence(self):
        layer = nn.GRU(3, 4)
        sequences = [torch.randn(n, 3) for n in (2, 5, 3)]
        packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
        with torch.no_grad(), carrousel.trace(layer) as trace:
            output, _ = layer(packed)
        for part in (packed.data, packed.batch_sizes, packed.sorted_indices, output.data):
            part.zero_()
        record = trace[-1]
        assert record.lengths.tolist() == [2, 5, 3]
        for b, sequence in enumerate(sequences):
            assert torch.equal(record.inputs[: len(sequence), b], sequence)
            alone, _ = layer(sequence)
            assert torch.allclose(record.hidden[0, : len(sequence), b], alone, atol=1e-6)

    @pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
    @pytest.mark.parametrize("make", [nn, carrousel], ids=["torch", "ours"])
    def test_of_a_cell_whose_state_is_one_buffer(self, kind, make):
        torch.manual_seed(0)
        cell, count = getattr(make, f"{kind}Cell")(3, 4), 2 if kind == "LSTM" else 1
        states = [torch.ones(2, 4) for _ in range(count)]
        x, given = torch.randn(3, 2, 3), torch.empty(2, 3)
        wanted: list = []
        with torch.no_grad(), carrousel.trace(cell) as trace:
            for x_t in x:
                given.copy_(x_t)
                wanted.append([s.clone() for s in states])
                new = cell(given, tuple(states) if count == 2 else states[0])
                for state, value in zip(states, new if count == 2 else (new,), strict=True):
                    state.copy_(value)
        for k, (record, before) in enumerate(zip(trace, wanted, strict=True)):
            assert torch.equal(record.inputs[0], x[k])
            assert torch.equal(record.initial_hidden[0], before[0])

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    def test_a_state_that_was_changed_in_place_begins_a_new_record(self, mode):
        cell = carrousel.LSTMCell(3, 4)
        with mode(), carrousel.trace(cell) as trace:
            h, c = cell(torch.randn(2, 3))
            h, c = cell(torch.randn(2, 3), (h, c))
            c.zero_()
            h, c = cell(torch.randn(2, 3), (h, c))
            cell(torch.randn(2, 3), (h, torch.ones(2, 4)))
        assert [len(record.steps) for record in trace] == [2, 1, 1]
        assert trace[-1].initial_cell.eq(1).all()
        assert trace[1].initial_cell.eq(0).all()
